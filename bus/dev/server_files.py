"""Writes the settings of the development broker: one small Kafka that answers only to this machine.

The numbers are those of a broker that starts fast, needs little memory and comes back within
seconds after kill -9; they are wrong for production and for benchmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bus.dev.client_files import ADMIN, MECHANISM, write_secret
from bus.dev.errors import disk_error
from bus.dev.ports import HOST

KAFKA_FOLDER = "kafka"
SERVER_FILE = "server.properties"
LOG_SETTINGS_FILE = "log4j2.properties"
LOG_FILE = "broker.log"
# What the JVM itself says, before and beside the log.
CONSOLE_FILE = "broker.out"
NODE_ID = 1
IN_SYNC = 2  # of three copies one may be lost
# Marks our broker among all processes: the argument is followed by its data folder.
DATA_ARGUMENT = "-Dagentbus.data="

JVM_ARGUMENTS = (
    "-Xmx256m",
    "-Xss512k",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",  # a broker that half lives is worse than one that is gone
    "-XX:-UsePerfData",  # leaves no files in the temporary folder
    "-Djava.awt.headless=true",
)

_SERVER = f"""\
# Written at every start of the development broker: changes here are lost.
process.roles=broker,controller
node.id={{node_id}}
controller.quorum.voters={{voters}}
listeners=CLIENTS://{HOST}:{{port}},CONTROLLER://{HOST}:{{controller_port}}
advertised.listeners=CLIENTS://{HOST}:{{port}}
listener.security.protocol.map=CLIENTS:{{protocol}},CONTROLLER:{{protocol}}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs={KAFKA_FOLDER}

# Topics are made on purpose, and there are as many copies as brokers: on one node one.
auto.create.topics.enable=false
default.replication.factor={{copies}}
min.insync.replicas={{in_sync}}
offsets.topic.replication.factor={{copies}}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor={{copies}}
transaction.state.log.min.isr={{in_sync}}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor={{copies}}
share.coordinator.state.topic.min.isr={{in_sync}}
share.coordinator.state.topic.num.partitions=1

# Small.
num.network.threads=1
num.io.threads=2
background.threads=1
log.cleaner.dedupe.buffer.size=1048577

# Fast: groups form at once, and after kill -9 the old broker session ends in 1.5 s, not in 9.
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
"""

# Nobody is let in without a name, nobody may do what no ACL grants; the administrator alone needs none.
# The controller's port asks too: whoever gets in there could write ACLs.
_SECURITY = f"""
sasl.enabled.mechanisms=PLAIN,{MECHANISM}
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.clients.plain.sasl.jaas.config={{login}}
listener.name.controller.plain.sasl.jaas.config={{login}}
listener.name.clients.scram-sha-256.sasl.jaas.config=\\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{ADMIN}
"""
_LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    f'username="{ADMIN}" password="{{password}}" user_{ADMIN}="{{password}}";'
)

_LOG_SETTINGS = """\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=LOG_FILE
appender.file.filePattern=LOG_FILE.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{ISO8601} %p %m (%c{1})%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=1
rootLogger.level=warn
rootLogger.appenderRef.file.ref=file
""".replace("LOG_FILE", LOG_FILE)


@dataclass(frozen=True, slots=True)
class Quorum:
    """Which of several brokers a broker is (from 1), the cluster they are, and where the controllers of all listen."""

    node_id: int
    cluster_id: str
    controller_ports: tuple[int, ...]

    @property
    def controller_port(self) -> int:
        """Where this one's controller listens."""
        return self.controller_ports[self.node_id - 1]


def write_server_files(
    data: Path, *, port: int, controller_port: int, admin_password: str = "", quorum: Quorum | None = None
) -> None:
    """Write all settings into `data`. Every path in them is relative to it, so it may have any name.

    With a password for the administrator the broker asks everybody who they are and obeys ACLs.
    """
    protocol = "SASL_PLAINTEXT" if admin_password else "PLAINTEXT"
    one_of = quorum or Quorum(NODE_ID, "", (controller_port,))
    copies = len(one_of.controller_ports)
    server = _SERVER.format(
        node_id=one_of.node_id,
        voters=",".join(f"{n}@{HOST}:{held}" for n, held in enumerate(one_of.controller_ports, start=1)),
        copies=copies,
        in_sync=min(IN_SYNC, copies),
        port=port,
        controller_port=controller_port,
        protocol=protocol,
    )
    if admin_password:
        server += _SECURITY.format(login=_LOGIN.format(password=admin_password))
    try:
        write_secret(data / SERVER_FILE, server)
        (data / LOG_SETTINGS_FILE).write_text(_LOG_SETTINGS, encoding="utf-8")
    except OSError as error:
        raise disk_error(error, data) from error


def broker_command(java: Path, class_path: str, data: Path) -> list[str | Path]:
    """What starts the broker; to be run in `data`."""
    return [
        java,
        *JVM_ARGUMENTS,
        f"-Dlog4j2.configurationFile={LOG_SETTINGS_FILE}",
        f"{DATA_ARGUMENT}{data}",
        "-cp",
        class_path,
        "kafka.Kafka",
        SERVER_FILE,
    ]


def format_command(java: Path, class_path: str, data: Path, cluster_id: str) -> list[str | Path]:
    """What formats an empty data folder; to be run in it."""
    return [
        java,
        *JVM_ARGUMENTS,
        f"-Dlog4j2.configurationFile={LOG_SETTINGS_FILE}",
        f"{DATA_ARGUMENT}{data}",
        "-cp",
        class_path,
        "kafka.tools.StorageTool",
        "format",
        "--config",
        SERVER_FILE,
        f"--cluster-id={cluster_id}",  # in one word: an id may begin with "-"
    ]


# What Java says in its own words, to be told in ours.
PORT_TAKEN_WORDS = "Address already in use"
NO_SPACE_WORDS = "No space left on device"
# A sentence with a whole stack of class names in it is not read.
COMPLAINT_CHARACTERS_MAX = 240


def last_complaint(data: Path) -> str:
    """The line of the broker's logs that most likely says why it ended, shortened; "" if none."""
    lines = [
        line.strip()
        for name in (CONSOLE_FILE, LOG_FILE)
        if (data / name).exists()
        for line in (data / name).read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    telling = [line for line in lines if line.startswith("Caused by:")] or [
        line for line in lines if " ERROR " in line or " FATAL " in line or "Exception" in line
    ]
    return (telling or lines or [""])[-1][:COMPLAINT_CHARACTERS_MAX]
