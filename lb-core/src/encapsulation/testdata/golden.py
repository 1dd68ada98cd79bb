"""Builds golden.txt with scapy 2.8.0, which shares no code with us:

    pip install scapy==2.8.0 && python3 golden.py > golden.txt

Each line: form, client's packet, tunnel packet. The client's packet has TTL 61 outside,
60 inside the tunnel; the flow's hash is 0x0123456789abcdef.
"""

from scapy.all import GRE, IP, TCP, UDP, IPv6, Raw

PORT, LABEL = 0xC000 | 0xBCDE & 0x3FFF, 0xABCDE


def client(family, ttl):
    transport = TCP(sport=40000, dport=443, flags="S", seq=7)
    if family == 4:
        # EF with ECT(0), DF set, an odd payload.
        ip = IP(src="192.0.2.1", dst="203.0.113.10", ttl=ttl, tos=0xBA, flags="DF", id=0x1234)
    else:
        ip = IPv6(src="2001:db8:1::1", dst="2001:db8:2::10", hlim=ttl, tc=0x03, fl=0x12345)
    return ip / transport / Raw(b"spill")


def outer(family, inner, protocol):
    tc = inner.tos if inner.version == 4 else inner.tc
    if family == 4:
        # An IPv6 packet of up to 1,280 bytes may be fragmented on its way (RFC 4213 3.2.2);
        # the test's counter starts at 500.
        df = dict(flags="DF", id=0) if inner.version == 4 else dict(flags=0, id=500)
        return IP(src="10.0.0.11", dst="10.1.0.5", ttl=64, tos=tc, proto=protocol, **df)
    return IPv6(src="2001:db8::11", dst="2001:db8::5", hlim=64, tc=tc, fl=LABEL, nh=protocol)


def tunnel(form, family, inner):
    number = 4 if inner.version == 4 else 41
    if form == "ipip":
        return outer(family, inner, number) / inner
    if form == "gre":
        return outer(family, inner, 47) / GRE(proto=0x0800 if number == 4 else 0x86DD) / inner
    # scapy has no GUE layer: variant 0, no options, is four bytes; over IPv4 the UDP checksum is zero.
    udp = UDP(sport=PORT, dport=6080, chksum=0) if family == 4 else UDP(sport=PORT, dport=6080)
    return outer(family, inner, 17) / udp / Raw(bytes([0, number, 0, 0]) + bytes(inner))


for form in ("ipip", "gue", "gre"):
    for inside in (4, 6):
        for outside in (4, 6):
            packet = tunnel(form, outside, client(inside, 60))
            print(f"{form} {inside}in{outside}", bytes(client(inside, 61)).hex(), bytes(packet).hex())
