// Claims a lead and writes to it, with nothing but a Kafka client: node claim.mjs sales-1 sales lead/L-22
import { Kafka, Partitioners, logLevel } from "kafkajs";

const [agent, lane, subject] = process.argv.slice(2);
const brokers = [process.env.AGENTBUS_BOOTSTRAP ?? "127.0.0.1:9092"];
const kafka = new Kafka({ brokers, logLevel: logLevel.ERROR });
const admin = kafka.admin(), sender = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
const answers = kafka.consumer({ groupId: `${agent}-${Date.now()}` });
const last = {}, waiting = {}; // the id that each source sent last; who waits for an answer to which message

function hear({ message: { headers, value } }) {
  const [source, prev, id] = ["bus-from", "bus-prev", "bus-decision"].map((name) => headers[name].toString());
  if ((last[source] ?? prev) !== prev) return; // a repeat, or a gap that the bus will fill: it sends again, in order
  last[source] = id;
  const answer = JSON.parse(value);
  waiting[answer.id]?.(answer);
}

async function ask(type, body, more = {}) {
  const id = `${agent}-${process.hrtime.bigint()}`, source = `spiffe://acme/agent/${agent}`;
  const headers = { ce_specversion: "1.0", ce_id: id, ce_source: source, ce_type: type, ce_subject: subject, ...more };
  Object.assign(headers, { ce_time: new Date().toISOString(), "content-type": "application/json" });
  const answer = new Promise((resolve) => (waiting[id] = resolve));
  await sender.send({ topic: `bus.in.${lane}`, acks: -1, messages: [{ value: JSON.stringify(body), headers }] });
  return answer;
}

await Promise.all([admin.connect(), sender.connect(), answers.connect()]);
const topic = `bus.out.${lane}`, [{ offset }] = await admin.fetchTopicOffsets(topic);
await answers.subscribe({ topic });
await answers.run({ eachMessage: async (record) => hear(record) });
answers.seek({ topic, partition: 0, offset }); // what comes from now on

let answer = await ask("bus.resource.claim.v1", {});
if (answer.kind === "granted" || answer.kind === "confirmed") {
  const mail = { lead_id: subject.split("/")[1], to: "anna@example.org", subject: "Hello", text: "Shall we talk?" };
  answer = await ask("leads.email.send.v1", mail, { ce_bustoken: String(answer.token) });
}
console.log(agent, answer.kind, answer.reason ?? "", answer.detail ?? "");
await Promise.all([admin.disconnect(), sender.disconnect(), answers.disconnect()]);
