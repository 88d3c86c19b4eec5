//! `lockwarden healthcheck`: one question to the running server, for service managers.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::commands::admin::tell;
use crate::exit::{CommandError, Exit, Result};
use crate::home::{running, settings_of};

/// A server that takes longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

pub async fn check(data_dir: &std::path::Path) -> Result<()> {
    let mut http = match running(data_dir) {
        Some(running) => running.http,
        None => settings_of(data_dir)?.http,
    };
    if http.ip().is_unspecified() {
        http.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let answer = timeout(PATIENCE, ask(http)).await;
    match answer {
        Ok(Ok(status)) if status == "200" => {
            tell("ready");
            Ok(())
        }
        Ok(Ok(status)) => {
            Err(CommandError::new(Exit::Failed, format!("the server at {http} answers {status}")))
        }
        Ok(Err(_)) if !data_dir.is_dir() => {
            let words = format!("{} is not a directory, and no server answers at {http}", data_dir.display());
            Err(CommandError::new(Exit::Failed, words))
        }
        Ok(Err(error)) => Err(CommandError::failed(&format!("no server answers at {http}"), error)),
        Err(_) => {
            Err(CommandError::new(Exit::Failed, format!("the server at {http} does not answer within 5 s")))
        }
    }
}

async fn ask(http: std::net::SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(http).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {http}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await?;
    let first = String::from_utf8_lossy(&answer);
    Ok(first.split_whitespace().nth(1).unwrap_or("nothing readable").to_owned())
}
