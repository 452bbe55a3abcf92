// Claims a lead and writes to it, with nothing but Kafka's own client: java -cp "<jars>/*" Claim.java sales-1 sales lead/L-21
import com.fasterxml.jackson.databind.*;
import java.time.*;
import java.time.temporal.ChronoUnit;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class Claim {
  static final Map<String, Object> KAFKA =
      Map.of("bootstrap.servers", System.getenv().getOrDefault("AGENTBUS_BOOTSTRAP", "127.0.0.1:9092"));
  static final Producer<String, String> sender = new KafkaProducer<>(KAFKA, new StringSerializer(), new StringSerializer());
  static final Consumer<String, String> answers = new KafkaConsumer<>(KAFKA, new StringDeserializer(), new StringDeserializer());
  static final Map<String, String> last = new HashMap<>(); // the id that each source sent last
  static String agent, lane, subject;

  static String text(ConsumerRecord<String, String> record, String name) {
    return new String(record.headers().lastHeader(name).value());
  }

  static boolean isNext(ConsumerRecord<String, String> record) {
    String source = text(record, "bus-from"), prev = text(record, "bus-prev");
    if (!last.getOrDefault(source, prev).equals(prev)) return false; // a repeat, or a gap: the bus sends again, in order
    last.put(source, text(record, "bus-decision"));
    return true;
  }

  static JsonNode ask(String type, String body, String token) throws Exception {
    var record = new ProducerRecord<String, String>("bus.in." + lane, body);
    String id = agent + "-" + System.nanoTime(), now = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
    var headers = new HashMap<>(Map.of("ce_specversion", "1.0", "ce_id", id, "ce_type", type, "ce_subject", subject,
        "ce_source", "spiffe://acme/agent/" + agent, "ce_time", now, "content-type", "application/json"));
    if (token != null) headers.put("ce_bustoken", token);
    headers.forEach((name, value) -> record.headers().add(name, value.getBytes()));
    sender.send(record).get();
    for (Instant until = Instant.now().plusSeconds(10); Instant.now().isBefore(until); )
      for (var heard : answers.poll(Duration.ofMillis(500)))
        if (isNext(heard)) {
          var answer = new ObjectMapper().readTree(heard.value());
          if (answer.get("id").asText().equals(id)) return answer;
        }
    throw new IllegalStateException("no answer within 10 s");
  }

  public static void main(String[] arguments) throws Exception {
    agent = arguments[0]; lane = arguments[1]; subject = arguments[2];
    var out = List.of(new TopicPartition("bus.out." + lane, 0));
    answers.assign(out);
    answers.seekToEnd(out);
    answers.position(out.get(0)); // what comes from now on
    var answer = ask("bus.resource.claim.v1", "{}", null);
    if (List.of("granted", "confirmed").contains(answer.get("kind").asText()))
      answer = ask("leads.email.send.v1", "{\"lead_id\":\"" + subject.split("/")[1] + "\",\"to\":\"anna@example.org\","
          + "\"subject\":\"Hello\",\"text\":\"Shall we talk?\"}", answer.get("token").asText());
    System.out.println(agent + " " + answer.get("kind").asText() + " " + answer.path("reason").asText());
    sender.close();
    answers.close();
  }
}
