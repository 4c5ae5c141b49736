//! The service of the benchmark's stacks, compiled by itself into an image of one file: `/service 200` is ready after
//! 200 ms, `/service check` says whether it is, `/service listen PORT` answers HTTP. Waits until it is killed.

use std::io::{Read, Write};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some("check") => std::process::exit(i32::from(!std::path::Path::new("/ready").exists())),
        Some("listen") => listen(&words[2]),
        Some(delay) => {
            std::thread::sleep(std::time::Duration::from_millis(delay.parse().unwrap()));
            std::fs::write("/ready", "").unwrap();
            loop {
                std::thread::park();
            }
        }
        None => {}
    }
}

fn listen(address: &str) {
    let listener = std::net::TcpListener::bind(address).unwrap();
    for mut stream in listener.incoming().flatten() {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK");
    }
}
