//! RADIUS against freeradius, which demands a Message-Authenticator and is given a wrong secret, too.

use std::fs;
use std::time::Instant;

use lb_agent::probe::{Failure, Phase, RadiusCode, RadiusFault};

use crate::support::{PATIENCE, Server, expect, folder, free, program, run};

const UP: &str = r#"{"kind": "radius", "user": "probe", "password": "right", "secret": "testing123"}"#;

fn freeradius() -> Option<Server> {
    let (program, folder, address) = (program("freeradius")?, folder(), free());
    let path = folder.path().display().to_string();
    let configuration = format!(
        r#"
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = {path}
logdir = {path}
pidfile = {path}/pid
log {{ destination = stdout }}
security {{ reject_delay = 0 }}
client localhost {{
    ipaddr = 127.0.0.1
    secret = testing123
    require_message_authenticator = yes
}}
modules {{
    pap {{
    }}
}}
server default {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {}
    }}
    authorize {{
        if (&User-Name == "puzzled") {{
            update control {{
                Auth-Type := Accept
                Response-Packet-Type := Access-Challenge
            }}
        }}
        elsif (&User-Name == "probe") {{
            update control {{ Cleartext-Password := "right" }}
            pap
        }}
        else {{
            update control {{ Cleartext-Password := "a password of more than sixteen bytes" }}
            pap
        }}
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
    }}
}}
"#,
        address.port(),
    );
    fs::write(folder.path().join("radiusd.conf"), configuration).expect("the folder is ours");
    fs::write(folder.path().join("dictionary"), "").expect("the folder is ours");
    let arguments = ["-f", "-l", "stdout", "-n", "radiusd", "-d", &path].map(str::to_owned);
    Some(Server::start(&program, arguments, folder, address))
}

#[tokio::test]
async fn freeradius_up_and_lying() {
    let Some(mut server) = freeradius() else { return };
    let began = Instant::now();
    while run(UP, server.address, PATIENCE).await.result.is_err() {
        server.must_live(began);
    }
    let reply = |got| Err(RadiusFault::Reply { got }.into());
    let with = |old: &str, new: &str| UP.replace(old, new);
    let wanting = |user: &str, reply: &str| {
        UP.replace("probe", user).replace('}', &format!(r#", "reply": "{reply}"}}"#))
    };
    let table: [(&str, Result<(), Failure>); 9] = [
        (UP, Ok(())),
        (&with("right", "wrong"), reply(RadiusCode::Reject)),
        (&with("probe", "other").replace("right", "a password of more than sixteen bytes"), Ok(())),
        (&wanting("nobody", "reject"), Ok(())),
        (&wanting("probe", "reject"), reply(RadiusCode::Accept)),
        (&wanting("nobody", "any"), Ok(())),
        (&wanting("puzzled", "challenge"), Ok(())),
        (&wanting("puzzled", "accept"), reply(RadiusCode::Challenge)),
        // It drops what another secret signed.
        (&with("testing123", "guess"), Err(Failure::Timeout { phase: Phase::Answer })),
    ];
    expect(server.address, &table).await;
}

#[tokio::test]
async fn down_slow_and_lying() {
    expect(free(), &[(UP, Err(Failure::Refused { phase: Phase::Answer }))]).await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    expect(address, &[(UP, Err(Failure::Timeout { phase: Phase::Answer }))]).await;
    // An accept that no secret signed, for the request that timed out and the next.
    let liar = std::thread::spawn(move || {
        for _ in 0..2 {
            let mut packet = [0; 512];
            let (_, from) = socket.recv_from(&mut packet).unwrap();
            packet[0] = 2;
            packet[2..4].copy_from_slice(&20_u16.to_be_bytes());
            socket.send_to(&packet[..20], from).ok();
        }
    });
    expect(address, &[(UP, Err(RadiusFault::Authenticator.into()))]).await;
    liar.join().unwrap();
}
