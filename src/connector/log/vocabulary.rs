//! The words that a sample of a log may show: those of programs' messages. Whatever is no such word is masked, so that no
//! secret, name or address is shown whatever it looks like.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words in small letters.
const WORDS: &str = "\
a able abort aborted about abrt accept accept4 accepted accepts access accessdenied account acknowledge acquire \
activate activating active actor adapter add added address addresses admin after again against agent algorithm \
alive all alloc allocate allocation allow allowed already also alternative always an analytics and another any \
api app application apply are argument arguments as ask asked assert assertion assigned at attempt attempts auth \
authenticate authenticated authentication authority authorization authorize authorized auto available await away \
back backoff bad balancer be because been before begin being belong below between bin bind binding block blocked \
body both broken bucket buffer build bus busy but by bytes ca cache call callback called came can cancel \
canceled canceling cancelled cannot capabilities capacity cause caused cert certificate certificates chain \
change changed changes changing channel check checked checking child chunk cipher circuit clean client clients \
clock close closed closing cluster code codes collect com command common complete completed compose conf config \
configuration configure conflict conn connect connected connecting connection connections connectivity connector \
connectorctl connectord connid contain container containerd containers content context continue control \
controller core corrupt could couldn count counter cpu crash crashed crashloopbackoff create \
createcontainerconfigerror created creating creation credentials critical ctor ctx curl current cycle daemon dat \
data database date day days dead deadline deadlock debug decode decrypt default defined delay delete deleted \
denied deny deployment descriptor descriptors destination destroyed detected device devices did died different \
direct directory disabled disallowed disconnect disconnected disconnecting disk dispatch dns do docker does \
doing domain done down download driver drop dropped dtor dump dumped duplicate during eacces each eagain early \
econnrefused econnreset ehostunreach einval either element else emit empty enable enabled encode encrypt \
encryption end ended endpoint endpoints enetunreach engine enoent enomem enospc enough ensure entered entry enum \
env environment eof eperm epoll err errimagepull errno error errors established etc etimedout eu1 event events \
eventually every exceeded exception exchange exec executable executing exhausted exist existing exists exit \
exited exiting expect expected expired expires expiry external fail failed failing fails failure fallback false \
family fatal fd fetch few file files filesystem fill filter final find finish finished first flag flow flows \
flush for forbidden forced forever fork form format found frame free from fs full function gateway gave generate \
get getaddrinfo getting give given go going gone got grant granted group h2 h3 had handle handle_response \
handled handler handling handshake has hash have header headers health healthcheck healthy heartbeat heartbeats \
help here high hold hop host hosts hour hours how http https hub i ice icmp id identity idle if ignore ignored \
ignoring illegal image imagepullbackoff impl implemented in inactive include incoming incomplete inconsistent \
index info information init initial initialization initialize initialized inner input insert inside install \
installed instance insufficient integrity interface internal internet interrupted interval into invalid io ip \
ipv4 ipv6 is issue issued issuer it item its itself job join just keep keepalive kernel kill killed killing kind \
known kubelet label large last late latency later layer lead lease least left length less level lib libhydra \
libsdwan limit limited limits line link list listen listener listening load loaded loading local located lock \
locked log logged login logs long longer lookup loop lost low machine made main maintain make makes making \
manager manifest many mapped mapping match maximum may mechanism media memory message messages metadata method \
metrics milliseconds minimum minute minutes mismatch missing mode module moment monitor more most mount moved ms \
msg much multiple must mutex name named names nameserver nameservers namespace namespaces nat native necessary \
need needed needs net network networks never new next no nobody node nodename nodes nofile none nor normal not \
notice notification now null number numeric object observed occurred oci of off offline offset ok old on once \
one online only oom oomkilled open opened opening operation operator option options or order origin os other \
others out outbound outgoing output outside over overflow overload overrun own owner packet packets panic \
panicked parameter parameters parent parse parsed parser parsing part partial pass password path payload pbcc \
peer peers pending per period permanent permanently permission permitted pid ping pipe pipeline place please \
plugin pod podman point policy poll pool port ports post pre precondition preconnect prepare present preset \
pressure previous private privilege probe probes problem proc process processed processes processing profile \
program progress prohibited prompt protocol provide provided provider proxy public publish publisher pubnub pull \
push put query queue quic quit quorum quota range rate reach reached read read_only reading readonly ready real \
reason receive received recently reconnect reconnecting reconnection recover recovered recovering recv recvfrom \
recvmsg redirect reference refresh refuse refused region register registered registration registry reject \
rejected relay relaybalancer relays release released reload remote remove removed renew renewal repeated reply \
report request requested requests require required reset resetting resolvconf resolve resolved resolver resource \
resources respond response responses restart restarted restarting restore restricted result resume retries retry \
retrying return returned returns revoked rights role root route router routes routing run runc runcontainererror \
running runtime rx safe same saved scheduled scope sd sdwan search second seconds secret section secure security \
seem segment segv select self send sending sendmsg sendto sent sequence serve served server servers service \
services session set setting settings setup several shard share shared shim should shut shutdown side sigabrt \
sigkill sign signal signature signed sigsegv sigterm simply since single size sleep slow small so socket some \
something soon source space specified ssl stale standard start started starting starts startup stat state \
state_machine statement static status stderr stdout still stop stopped stopping storage store stream streams \
string stun subject subscribe subscriber subscription succeed succeeded success successful such suite support \
supported suspended switch switching symbol sync synchronized syscall sysctl sysctlforbidden system systemd \
table take taken takes target task tcp tcpip temporarily temporary tenant term terminate terminated test text \
than that the their them then there these they this thread threads through time timed timeout timeouts timer \
timestamp tls to toggle token tokens too tool total track traffic transaction transfer transport tried tries trigger \
true trust trusted try trying tunnel turn twice twingate twingate_access_token twingate_network \
twingate_refresh_token twingate_url two tx type udp unable unauthorized unavailable unbound unconfigured \
underrun unexpected unhandled unhealthy unimplemented unique unit unknown unmarshal unnecessary unpack \
unreachable unrecognized unrecoverable unresponsive unspecified unsupported until unwrap up update updated \
updating upgrade upstream uri url us us1 us2 usage use used user users using usr utc utf v1 v2 v3 v4 v5 valid \
validate validation value values var variable variables verification verified verify version very via violation \
virtual visible volume wait waited waiting wake want warn warning was watch watchdog way we web websocket well \
were what when where whether which while whole will window with within without work worker works would wrap \
write writing written wrong wrote xml yes yet you your zero zone";

static SET: LazyLock<HashSet<&'static str>> = LazyLock::new(|| WORDS.split_ascii_whitespace().collect());

/// Whether a word, of letters of any case, may be shown.
pub(super) fn knows(word: &str) -> bool {
    word.len() <= 32 && SET.contains(word.to_ascii_lowercase().as_str())
}
