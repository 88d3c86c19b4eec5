//! A client as small as can be, so that the generator leaves the machine to what it measures.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What the generator speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V5,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Signs in; empty credentials for a broker that asks for none.
pub(crate) async fn connect(addr: SocketAddr, id: &str, username: &str, password: &str) -> Result<TcpStream> {
    connect_as(Version::V3, addr, id, (username, password)).await
}

pub(crate) async fn connect_as(
    version: Version,
    addr: SocketAddr,
    id: &str,
    credentials: (&str, &str),
) -> Result<TcpStream> {
    let mut stream = line(addr).await?;
    sign_in(&mut stream, version, id, credentials).await?;
    Ok(stream)
}

pub(crate) async fn connect_tls(
    tls: &TlsConnector,
    addr: SocketAddr,
    id: &str,
    (username, password): (&str, &str),
) -> Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost")?;
    let mut stream = tls.connect(name, line(addr).await?).await?;
    sign_in(&mut stream, Version::V3, id, (username, password)).await?;
    Ok(stream)
}

async fn line(addr: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn sign_in<S: Stream>(
    stream: &mut S,
    version: Version,
    id: &str,
    (username, password): (&str, &str),
) -> Result<()> {
    let flags = if username.is_empty() { 2 } else { 0xC2 };
    let (level, properties): (u8, &[u8]) = if version == Version::V5 { (5, &[0]) } else { (4, &[]) };
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', level, flags, 4, 0];
    body.extend(properties);
    text(&mut body, id)?;
    if !username.is_empty() {
        text(&mut body, username)?;
        text(&mut body, password)?;
    }
    stream.write_all(&packet(0x10, &body)?).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [kind, length, _, reason] = head;
    ensure!((kind, reason) == (0x20, 0), "refused: {head:?}");
    // What is left are the properties of 5.
    stream.read_exact(&mut vec![0; usize::from(length.saturating_sub(2))]).await?;
    Ok(())
}

pub(crate) async fn subscribe<S: Stream>(stream: &mut S, filters: &[String]) -> Result<()> {
    for filter in filters {
        let mut body = vec![0, 1];
        text(&mut body, filter)?;
        body.push(1);
        stream.write_all(&packet(0x82, &body)?).await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        ensure!(answer[0] == 0x90, "no subscription: {answer:?}");
    }
    Ok(())
}

pub(crate) fn publish(topic: &str, payload: &str, id: u16) -> Result<Vec<u8>> {
    publish_as(Version::V3, topic, payload, id)
}

pub(crate) fn publish_as(version: Version, topic: &str, payload: &str, id: u16) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    text(&mut body, topic)?;
    body.extend(id.to_be_bytes());
    body.extend((version == Version::V5).then_some(0));
    body.extend(payload.as_bytes());
    packet(0x32, &body)
}

fn text(body: &mut Vec<u8>, text: &str) -> Result<()> {
    body.extend(u16::try_from(text.len())?.to_be_bytes());
    body.extend(text.as_bytes());
    Ok(())
}

fn packet(kind: u8, body: &[u8]) -> Result<Vec<u8>> {
    ensure!(body.len() < 128, "too long for this client");
    Ok([vec![kind, u8::try_from(body.len())?], body.to_vec()].concat())
}
