"""Writes golden.txt: what BIRD, GoBGP and FRR say on a session, as hexadecimal, one message a line.

Run as root where bird, gobgpd, gobgp and FRR's bgpd are installed (Debian: bird2, gobgpd, frr):

    unshare -n python3 golden.py > golden.txt

Each router is AS 64500 at 10.0.0.1 and announces 203.0.113.0/24 and 2001:db8:f::/48 with MED 10,
a community 64500:1 and a large one 64500:1:2. We are AS 4200000001 at 10.0.0.11, and say nothing
but OPEN, KEEPALIVE and, at the end, Cease.
"""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROUTER, US = "10.0.0.1", "10.0.0.11"
MARKER = b"\xff" * 16


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def our_open():
    capabilities = b"".join([
        b"\x01\x04\x00\x01\x00\x01", b"\x01\x04\x00\x02\x00\x01", b"\x02\x00",
        b"\x40\x02\x00\x00", b"\x41\x04" + struct.pack("!I", 4200000001),
    ])
    parameters = b"\x02" + bytes([len(capabilities)]) + capabilities
    return message(1, struct.pack("!BHH4sB", 4, 23456, 90, bytes([10, 0, 0, 11]), len(parameters)) + parameters)


def converse(name, farewell=None):
    for _ in range(100):
        try:
            peer = socket.create_connection((ROUTER, 179), 1, (US, 0))
            break
        except OSError:
            time.sleep(0.1)
    peer.sendall(our_open())
    peer.settimeout(4)
    received, greeted, said, end = b"", False, [], time.time() + 4
    while time.time() < end:
        while len(received) >= 19 and len(received) >= struct.unpack("!H", received[16:18])[0]:
            length = struct.unpack("!H", received[16:18])[0]
            one, received = received[:length], received[length:]
            if one[18] == 1 and not greeted:
                peer.sendall(message(4))
                greeted = True
            if one not in said:
                said.append(one)
        if farewell and any(one[18] == 2 for one in said) and time.time() > end - 2:
            farewell()
            farewell = None
        try:
            peer.settimeout(0.3)
            more = peer.recv(65536)
            if not more:
                break
            received += more
        except (TimeoutError, socket.timeout):
            pass
    try:
        peer.sendall(message(3, b"\x06\x02"))
    except OSError:
        pass
    peer.close()
    for one in said:
        print(name, one.hex())
    sys.stdout.flush()


def run(folder):
    sh = lambda *command: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    sh("ip", "link", "set", "lo", "up")
    for address in (ROUTER, US):
        sh("ip", "address", "add", address + "/32", "dev", "lo")
    sh("ip", "-6", "address", "add", "2001:db8::1/128", "dev", "lo", "nodad")

    path = lambda name: os.path.join(folder, name)
    open(path("bird.conf"), "w").write("""
router id 10.0.0.1;
protocol device {}
protocol static s4 { ipv4; route 203.0.113.0/24 blackhole; }
protocol static s6 { ipv6; route 2001:db8:f::/48 blackhole; }
filter marked { bgp_med = 10; bgp_community.add((64500, 1)); bgp_large_community.add((64500, 1, 2)); accept; }
protocol bgp node {
  local 10.0.0.1 as 64500; neighbor 10.0.0.11 as 4200000001; multihop; passive;
  graceful restart on; enable extended messages on;
  ipv4 { import all; export filter marked; };
  ipv6 { import all; export filter marked; next hop address 2001:db8::1; };
}
""")
    bird = subprocess.Popen(["bird", "-f", "-c", path("bird.conf"), "-s", path("bird.ctl")], stderr=subprocess.DEVNULL)
    goodbye = lambda: subprocess.run(["birdc", "-s", path("bird.ctl"), "disable", "node", '"moving to rack 7"'], stdout=subprocess.DEVNULL)
    converse("bird", goodbye)
    bird.terminate(); bird.wait()

    open(path("gobgp.toml"), "w").write("""
[global.config]
  as = 64500
  router-id = "10.0.0.1"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.0.0.11"
    peer-as = 4200000001
  [neighbors.transport.config]
    passive-mode = true
    local-address = "10.0.0.1"
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = 120
    notification-enabled = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
""")
    gobgpd = subprocess.Popen(["gobgpd", "-f", path("gobgp.toml"), "-t", "toml", "--api-hosts", "127.0.0.1:50051", "--pprof-disable"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    for family, prefix, next_hop in (("ipv4", "203.0.113.0/24", "10.0.0.1"), ("ipv6", "2001:db8:f::/48", "2001:db8::1")):
        sh("gobgp", "global", "rib", "add", prefix, "nexthop", next_hop, "med", "10", "community", "64500:1", "large-community", "64500:1:2", "-a", family)
    converse("gobgp")
    gobgpd.terminate(); gobgpd.wait()

    open(path("bgpd.conf"), "w").write("""
router bgp 64500
 bgp router-id 10.0.0.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 bgp graceful-restart
 neighbor 10.0.0.11 remote-as 4200000001
 neighbor 10.0.0.11 passive
 neighbor 10.0.0.11 ebgp-multihop
 neighbor 10.0.0.11 update-source 10.0.0.1
 address-family ipv4 unicast
  network 203.0.113.0/24
  neighbor 10.0.0.11 route-map out out
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:f::/48
  neighbor 10.0.0.11 activate
  neighbor 10.0.0.11 route-map out out
 exit-address-family
route-map out permit 10
 set metric 10
 set community 64500:1
 set large-community 64500:1:2
 set ipv6 next-hop global 2001:db8::1
""")
    bgpd = subprocess.Popen(["/usr/lib/frr/bgpd", "-S", "-Z", "-n", "-f", path("bgpd.conf"), "-i", path("bgpd.pid"), "--vty_socket", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(5)  # it announces its networks a while after it listens
    converse("frr")
    bgpd.terminate(); bgpd.wait()


with tempfile.TemporaryDirectory() as folder:
    run(folder)
