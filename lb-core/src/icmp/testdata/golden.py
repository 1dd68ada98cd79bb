"""Builds golden.txt with scapy 2.8.0, which shares no code with us:

    pip install scapy==2.8.0 && python3 golden.py > golden.txt

Each line: what is done, the packet that comes in, the ICMP message that goes out.
"""

from scapy.all import GRE, ICMP, IP, TCP, UDP, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest
from scapy.all import ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6, Raw

CLIENT4, VIP4, NODE4, BACKEND4, ROUTER4 = "192.0.2.1", "203.0.113.10", "10.0.0.11", "10.1.0.5", "10.9.0.1"
CLIENT6, VIP6, NODE6, BACKEND6, ROUTER6 = "2001:db8:1::1", "2001:db8:2::10", "2001:db8::11", "2001:db8::5", "2001:db8:9::1"


def show(name, came, goes):
    print(name, bytes(came).hex(), bytes(goes).hex())


def data(size):
    return Raw(bytes(range(256)) * (size // 256) + bytes(size % 256))


def client4(size, ttl=61):
    return IP(src=CLIENT4, dst=VIP4, ttl=ttl, flags="DF", id=7) / TCP(sport=40000, dport=443, flags="A") / data(size)


def client6(size, ttl=61):
    return IPv6(src=CLIENT6, dst=VIP6, hlim=ttl) / TCP(sport=40000, dport=443, flags="A") / data(size)


def error4(source, icmp, quote):
    return IP(src=source, dst=CLIENT4, ttl=64, tos=0xC0, flags="DF", id=0) / icmp / Raw(bytes(quote)[: 576 - 28])


def error6(source, icmp, quote):
    return IPv6(src=source, dst=CLIENT6, hlim=64) / icmp / Raw(bytes(quote)[: 1280 - 48])


# Pings, of odd length too; DSCP is kept, ECN is not.
for size in (0, 5, 56):
    payload = Raw(bytes(range(size)))
    show(
        "echo",
        IP(src=CLIENT4, dst=VIP4, ttl=61, tos=0xBB, id=99) / ICMP(id=1, seq=size) / payload,
        IP(src=VIP4, dst=CLIENT4, ttl=64, tos=0xB8, id=99) / ICMP(type=0, id=1, seq=size) / payload,
    )
    show(
        "echo",
        IPv6(src=CLIENT6, dst=VIP6, hlim=61, tc=0xBB, fl=5) / ICMPv6EchoRequest(id=1, seq=size, data=bytes(payload)),
        IPv6(src=VIP6, dst=CLIENT6, hlim=64, tc=0xB8, fl=0) / ICMPv6EchoReply(id=1, seq=size, data=bytes(payload)),
    )

# Errors about short packets (quoted whole) and long ones (quoted as far as allowed).
for size in (3, 1440):
    show("too-big:1480", client4(size), error4(VIP4, ICMP(type=3, code=4, nexthopmtu=1480), client4(size)))
    show("too-big:1460", client6(size), error6(VIP6, ICMPv6PacketTooBig(mtu=1460), client6(size)))
show("time-exceeded", client4(3), error4(VIP4, ICMP(type=11, code=0), client4(3)))
show("time-exceeded", client6(3), error6(VIP6, ICMPv6TimeExceeded(code=0), client6(3)))
show("port-unreachable", client4(3), error4(VIP4, ICMP(type=3, code=3), client4(3)))
show("port-unreachable", client6(3), error6(VIP6, ICMPv6DestUnreach(code=4), client6(3)))


# A router's error about a tunnel packet, and what the client is told.
def tunnel(form, outside, inner):
    number = 4 if inner.version == 4 else 41
    protocol = {"ipip": number, "gre": 47, "gue": 17}[form]
    if outside == 4:
        outer = IP(src=NODE4, dst=BACKEND4, ttl=63, flags="DF", id=0, proto=protocol)
    else:
        outer = IPv6(src=NODE6, dst=BACKEND6, hlim=63, nh=protocol)
    if form == "ipip":
        return outer / inner
    if form == "gre":
        return outer / GRE(proto=0x0800 if number == 4 else 0x86DD) / inner
    return outer / UDP(sport=64734, dport=6080, chksum=0) / Raw(bytes([0, number, 0, 0]) + bytes(inner))


for form, shim in (("ipip", 0), ("gue", 12), ("gre", 4)):
    for inside in (4, 6):
        for outside in (4, 6):
            inner = client4(1400, 60) if inside == 4 else client6(1400, 60)
            packet = bytes(tunnel(form, outside, inner))
            if outside == 4:
                quote = packet[:548]
                came = IP(src=ROUTER4, dst=NODE4, ttl=60) / ICMP(type=3, code=4, nexthopmtu=1400) / Raw(quote)
                overhead = 20 + shim
            else:
                quote = packet[:1232]
                came = IPv6(src=ROUTER6, dst=NODE6, hlim=60) / ICMPv6PacketTooBig(mtu=1400) / Raw(quote)
                overhead = 40 + shim
            left, mtu = quote[overhead:], 1400 - overhead
            if inside == 4:
                goes = error4(VIP4, ICMP(type=3, code=4, nexthopmtu=mtu), left)
            else:
                goes = error6(VIP6, ICMPv6PacketTooBig(mtu=mtu), left)
            show(f"translate:{form}-{inside}in{outside}", came, goes)
