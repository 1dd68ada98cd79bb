#!/usr/bin/env python3
"""Makes mixed.pcap with scapy 2.8: `python3 mixed.py`.

Ethernet frames as a node's interface would see them: tagged and not, for our
services and for others, whole, cut off and damaged. The times are those of
the classic format, in microseconds.
"""
from scapy.all import ARP, ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPv6, Raw, fragment, wrpcap

VIP, VIP6, CLIENT, CLIENT6 = "203.0.113.10", "2001:db8::a", "192.0.2.1", "2001:db8:1::1"


def tcp(flags, sport=40000, dport=443, dst=VIP, **ip):
    return IP(src=CLIENT, dst=dst, **ip) / TCP(sport=sport, dport=dport, flags=flags)


ether = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
whole_udp = IP(src=CLIENT, dst="203.0.113.11", id=77) / UDP(sport=5353, dport=53) / Raw(b"q" * 1600)
frames = [
    ether / tcp("S"),
    ether / Dot1Q(vlan=5) / tcp("A"),
    ether / Dot1AD(vlan=6) / Dot1Q(vlan=7) / IPv6(src=CLIENT6, dst=VIP6) / TCP(sport=40001, dport=443, flags="S"),
    ether / ARP(pdst=VIP),
    ether / tcp("S", dst="203.0.113.99"),
    ether / tcp("S", dport=8443),
    ether / IP(src=CLIENT, dst=VIP) / ICMP(type=8, id=1, seq=1) / Raw(b"echo"),
    *[ether / part for part in fragment(whole_udp, fragsize=1480)],
    ether / tcp("S", chksum=0xdead),
    ether / IP(src=CLIENT, dst=VIP, flags="DF") / TCP(sport=40000, dport=443, flags="PA") / Raw(b"x" * 1460),
    ether / tcp("S", dport=80),
    ether / tcp("S", ttl=1),
]
packets = []
for number, frame in enumerate(frames):
    packet = Ether(bytes(frame))
    packet.time = 1_700_000_000 + number / 8
    packets.append(packet)
# a capture with a short snap length keeps the first bytes only
cut = Ether(bytes(ether / tcp("S")))
cut = Ether(bytes(cut)[:40])
cut.time = 1_700_000_002
wrpcap("mixed.pcap", packets + [cut])
