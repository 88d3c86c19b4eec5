//! From bytes to packets and back, for MQTT 3.1.1 and 5. The codec crate does the work; this module bounds it (sizes
//! before anything is kept) and checks what the crate leaves to its users.

use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use rmqtt_codec::types::QoS;
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder as _, Encoder as _};

/// Largest packet before anybody has said who they are.
pub(crate) const MAX_CONNECT: usize = 1_024;
/// Largest packet of a device that is signed in.
pub(crate) const MAX_PACKET: usize = 65_536;
/// Deliveries a client may have open towards us (MQTT 5, Receive Maximum); for 3.1.1 we stop reading there.
pub(crate) const WINDOW: u16 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V5,
}

/// Why bytes are no packet; the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Malformed,
    TooLarge,
    /// MQTT 3.1 or something newer than 5.
    OtherVersion,
}

/// A client's wish, the same for both versions.
#[derive(Debug)]
pub(crate) struct Connect {
    pub version: Version,
    pub client_id: String,
    pub username: Option<String>,
    pub password: Option<Vec<u8>>,
    /// Seconds; 0 is none.
    pub keep_alive: u16,
    pub clean: bool,
    /// Whether the session is to outlive the connection.
    pub keep: bool,
    pub will: Option<Will>,
}

/// A last message.
#[derive(Clone, Debug)]
pub(crate) struct Will {
    pub topic: String,
    pub payload: Bytes,
}

/// What a signed-in client can send.
#[derive(Debug)]
pub(crate) enum Packet {
    Publish {
        topic: ByteString,
        payload: Bytes,
        qos: u8,
        packet: u16,
        dup: bool,
    },
    PublishAck,
    PublishReceived(u16),
    PublishRelease(u16),
    PublishComplete,
    Subscribe {
        packet: u16,
        filters: Vec<(ByteString, u8)>,
    },
    Unsubscribe {
        packet: u16,
        filters: Vec<ByteString>,
    },
    Ping,
    /// With a 5 client's word that this is no normal end, or that its will be sent nevertheless.
    Disconnect {
        with_will: bool,
    },
}

/// Length of the whole packet at the front of `bytes`, once enough of it is there to tell.
pub(crate) fn packet_length(bytes: &[u8], limit: usize) -> Result<Option<usize>, Broken> {
    let mut length = 0_usize;
    for place in 0..4 {
        let Some(byte) = bytes.get(1 + place) else {
            return Ok(None);
        };
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            let whole = 2 + place + length;
            return if whole > limit { Err(Broken::TooLarge) } else { Ok(Some(whole)) };
        }
    }
    Err(Broken::Malformed)
}

/// Reads the first packet of a connection.
pub(crate) fn read_connect(frame: &[u8]) -> Result<Connect, Broken> {
    let version = version_of(frame)?;
    let mut bytes = BytesMut::from(frame);
    let connect = match version {
        Version::V3 => match v3::Codec::new(0).decode(&mut bytes).map_err(|_| Broken::Malformed)? {
            Some((v3::Packet::Connect(connect), _)) => from_v3(*connect),
            _ => return Err(Broken::Malformed),
        },
        Version::V5 => match v5::Codec::new(0, 0).decode(&mut bytes).map_err(|_| Broken::Malformed)? {
            Some((v5::Packet::Connect(connect), _)) => from_v5(*connect)?,
            _ => return Err(Broken::Malformed),
        },
    };
    check_connect(&connect, frame)?;
    Ok(connect)
}

/// The protocol's name and level stand at a fixed place behind the length (MQTT 3.1.1, 3.1.2.1).
fn version_of(frame: &[u8]) -> Result<Version, Broken> {
    if frame.first() != Some(&0x10) {
        return Err(Broken::Malformed);
    }
    let start =
        1 + frame.iter().skip(1).take(4).position(|byte| byte & 0x80 == 0).ok_or(Broken::Malformed)? + 1;
    match frame.get(start..).unwrap_or_default() {
        [0, 4, b'M', b'Q', b'T', b'T', 4, ..] => Ok(Version::V3),
        [0, 4, b'M', b'Q', b'T', b'T', 5, ..] => Ok(Version::V5),
        [0, 4, b'M', b'Q', b'T', b'T', ..] | [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', ..] => {
            Err(Broken::OtherVersion)
        }
        _ => Err(Broken::Malformed),
    }
}

fn from_v3(connect: v3::Connect) -> Connect {
    Connect {
        version: Version::V3,
        client_id: connect.client_id.to_string(),
        username: connect.username.map(|name| name.to_string()),
        password: connect.password.map(|password| password.to_vec()),
        keep_alive: connect.keep_alive,
        clean: connect.clean_session,
        keep: !connect.clean_session,
        will: connect.last_will.map(|will| Will { topic: will.topic.to_string(), payload: will.message }),
    }
}

fn from_v5(connect: v5::Connect) -> Result<Connect, Broken> {
    if connect.auth_method.is_some() {
        return Err(Broken::Malformed);
    }
    Ok(Connect {
        version: Version::V5,
        client_id: connect.client_id.to_string(),
        username: connect.username.map(|name| name.to_string()),
        password: connect.password.map(|password| password.to_vec()),
        keep_alive: connect.keep_alive,
        clean: connect.clean_start,
        keep: connect.session_expiry_interval_secs > 0,
        will: connect.last_will.map(|will| Will { topic: will.topic.to_string(), payload: will.message }),
    })
}

/// The crate reads past trailing bytes and lets empty ids through; a strict reader here costs nothing.
fn check_connect(connect: &Connect, frame: &[u8]) -> Result<(), Broken> {
    let texts = connect.client_id.len()
        + connect.username.as_ref().map_or(0, |name| name.len() + 2)
        + connect.password.as_ref().map_or(0, |password| password.len() + 2)
        + connect.will.as_ref().map_or(0, |will| will.topic.len() + will.payload.len() + 4);
    let header = if frame.len() < 130 { 2 } else { 3 };
    let exact = header + 12 + texts;
    match connect.version {
        Version::V3 if frame.len() != exact => Err(Broken::Malformed),
        Version::V5 if frame.len() < exact => Err(Broken::Malformed),
        _ => Ok(()),
    }
}

/// Reads any later packet. `frame` is one whole packet.
pub(crate) fn read(version: Version, frame: &[u8]) -> Result<Packet, Broken> {
    let mut bytes = BytesMut::from(frame);
    match version {
        Version::V3 => match v3::Codec::new(0).decode(&mut bytes) {
            Ok(Some((packet, _))) => packet_v3(packet),
            _ => Err(Broken::Malformed),
        },
        Version::V5 => match v5::Codec::new(0, 0).decode(&mut bytes) {
            Ok(Some((packet, _))) => packet_v5(packet),
            _ => Err(Broken::Malformed),
        },
    }
}

fn packet_v3(packet: v3::Packet) -> Result<Packet, Broken> {
    Ok(match packet {
        v3::Packet::Publish(publish) => Packet::Publish {
            topic: publish.topic,
            payload: publish.payload,
            qos: publish.qos.value(),
            packet: publish.packet_id.map_or(0, NonZeroU16::get),
            dup: publish.dup,
        },
        v3::Packet::PublishAck { .. } => Packet::PublishAck,
        v3::Packet::PublishReceived { packet_id } => Packet::PublishReceived(packet_id.get()),
        v3::Packet::PublishRelease { packet_id } => Packet::PublishRelease(packet_id.get()),
        v3::Packet::PublishComplete { .. } => Packet::PublishComplete,
        v3::Packet::Subscribe { packet_id, topic_filters } => Packet::Subscribe {
            packet: packet_id.get(),
            filters: topic_filters.into_iter().map(|(filter, qos)| (filter, qos.value())).collect(),
        },
        v3::Packet::Unsubscribe { packet_id, topic_filters } => {
            Packet::Unsubscribe { packet: packet_id.get(), filters: topic_filters }
        }
        v3::Packet::PingRequest => Packet::Ping,
        v3::Packet::Disconnect => Packet::Disconnect { with_will: false },
        _ => return Err(Broken::Malformed),
    })
}

fn packet_v5(packet: v5::Packet) -> Result<Packet, Broken> {
    Ok(match packet {
        v5::Packet::Publish(publish) => {
            // We announced that there are no topic aliases (MQTT 5, 3.3.2.3.4).
            if publish.properties.as_ref().is_some_and(|properties| properties.topic_alias.is_some()) {
                return Err(Broken::Malformed);
            }
            Packet::Publish {
                topic: publish.topic,
                payload: publish.payload,
                qos: publish.qos.value(),
                packet: publish.packet_id.map_or(0, NonZeroU16::get),
                dup: publish.dup,
            }
        }
        v5::Packet::PublishAck(_) => Packet::PublishAck,
        v5::Packet::PublishReceived(ack) if u8::from(ack.reason_code) < 0x80 => {
            Packet::PublishReceived(ack.packet_id.get())
        }
        v5::Packet::PublishReceived(_) | v5::Packet::PublishComplete(_) => Packet::PublishComplete,
        v5::Packet::PublishRelease(ack) => Packet::PublishRelease(ack.packet_id.get()),
        v5::Packet::Subscribe(subscribe) => Packet::Subscribe {
            packet: subscribe.packet_id.get(),
            filters: subscribe
                .topic_filters
                .into_iter()
                .map(|(filter, options)| (filter, options.qos.value()))
                .collect(),
        },
        v5::Packet::Unsubscribe(unsubscribe) => {
            Packet::Unsubscribe { packet: unsubscribe.packet_id.get(), filters: unsubscribe.topic_filters }
        }
        v5::Packet::PingRequest => Packet::Ping,
        // Only a normal end drops the will (MQTT 5, 3.14.4).
        v5::Packet::Disconnect(disconnect) => Packet::Disconnect {
            with_will: disconnect.reason_code != v5::DisconnectReasonCode::NormalDisconnection,
        },
        _ => return Err(Broken::Malformed),
    })
}

/// The four acknowledgements are the same bytes in both versions when all is well.
pub(crate) fn ack(kind: Ack, packet: u16) -> [u8; 4] {
    let [high, low] = packet.to_be_bytes();
    [kind as u8, 2, high, low]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ack {
    Publish = 0x40,
    Received = 0x50,
    Release = 0x62,
    Complete = 0x70,
}

/// A refused publish of a 5 client; 3.1.1 has no word for it.
pub(crate) fn refused_publish(packet: u16, qos: u8) -> [u8; 5] {
    const NOT_AUTHORIZED: u8 = 0x87;
    let [high, low] = packet.to_be_bytes();
    let kind = if qos == 1 { Ack::Publish } else { Ack::Received };
    [kind as u8, 3, high, low, NOT_AUTHORIZED]
}

pub(crate) const PONG: [u8; 2] = [0xD0, 0];

/// Refusals of a connection, in the words of either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Version,
    ClientId,
    Password,
    NotAuthorized,
    Unavailable,
}

pub(crate) fn refuse(version: Version, refusal: Refusal) -> Vec<u8> {
    let (old, new) = match refusal {
        Refusal::Version => (1, 0x84),
        Refusal::ClientId => (2, 0x85),
        Refusal::Password => (4, 0x86),
        Refusal::NotAuthorized => (5, 0x87),
        Refusal::Unavailable => (3, 0x88),
    };
    match version {
        Version::V3 => vec![0x20, 2, 0, old],
        Version::V5 => vec![0x20, 3, 0, new, 0],
    }
}

/// The welcome, with what this door does not offer (MQTT 5, 3.2.2.3).
pub(crate) fn welcome(
    version: Version,
    (keeps, session_present): (bool, bool),
    assigned_id: Option<&str>,
) -> Vec<u8> {
    match version {
        Version::V3 => vec![0x20, 2, u8::from(session_present), 0],
        Version::V5 => {
            let ack = v5::ConnectAck {
                session_present,
                reason_code: v5::ConnectAckReason::Success,
                receive_max: NonZeroU16::new(WINDOW).unwrap_or(NonZeroU16::MIN),
                // A kept session is kept until the login has four newer ones (MQTT 5, 3.2.2.3.2).
                session_expiry_interval_secs: keeps.then_some(u32::MAX),
                max_packet_size: u32::try_from(MAX_PACKET).ok(),
                assigned_client_id: assigned_id.map(ByteString::from),
                topic_alias_max: 0,
                retain_available: true,
                wildcard_subscription_available: true,
                subscription_identifiers_available: false,
                shared_subscription_available: false,
                max_qos: QoS::ExactlyOnce,
                ..v5::ConnectAck::default()
            };
            encode_v5(v5::Packet::ConnectAck(Box::new(ack)))
        }
    }
}

/// Answers of a subscription: the QoS granted, or none for a refusal.
pub(crate) fn subscribed(version: Version, packet: u16, granted: &[Option<u8>]) -> Vec<u8> {
    let refusal = match version {
        Version::V3 => 0x80,
        Version::V5 => 0x87,
    };
    let codes = granted.iter().map(|qos| qos.unwrap_or(refusal));
    answer(0x90, version, packet, codes)
}

/// Answers of an unsubscription: whether there was one.
pub(crate) fn unsubscribed(version: Version, packet: u16, found: &[bool]) -> Vec<u8> {
    match version {
        Version::V3 => answer(0xB0, version, packet, std::iter::empty()),
        Version::V5 => answer(0xB0, version, packet, found.iter().map(|found| if *found { 0 } else { 17 })),
    }
}

fn answer(kind: u8, version: Version, packet: u16, codes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut body = packet.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(codes);
    let mut bytes = vec![kind];
    push_length(&mut bytes, body.len());
    bytes.extend(body);
    bytes
}

fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    loop {
        let byte = u8::try_from(length & 0x7F).unwrap_or(0);
        length >>= 7;
        bytes.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}

/// A command: never retained, never a repetition.
pub(crate) fn publish(version: Version, topic: &str, payload: &str, qos: u8, packet: u16) -> Vec<u8> {
    let mut body = u16::try_from(topic.len()).unwrap_or(0).to_be_bytes().to_vec();
    body.extend_from_slice(topic.as_bytes());
    if qos > 0 {
        body.extend_from_slice(&packet.to_be_bytes());
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend_from_slice(payload.as_bytes());
    let mut bytes = vec![0x30 | (qos << 1)];
    push_length(&mut bytes, body.len());
    bytes.extend(body);
    bytes
}

/// Why we close, for a client that can be told (MQTT 5, 3.14.2.1).
pub(crate) fn farewell(version: Version, reason: u8) -> Vec<u8> {
    match version {
        Version::V3 => Vec::new(),
        // The empty list of properties may be left out (MQTT 5, 3.14.2.2.1); clients exist that then wait for it.
        Version::V5 => vec![0xE0, 2, reason, 0],
    }
}

fn encode_v5(packet: v5::Packet) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    // Only our own packets come here, and all of them fit.
    let _ = v5::Codec::new(0, 0).encode(packet, &mut bytes);
    bytes.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_length_over_the_limit_is_refused_before_it_arrives() {
        assert_eq!(packet_length(&[0x10, 0xFF, 0xFF, 0xFF, 0x7F], MAX_CONNECT), Err(Broken::TooLarge));
        assert_eq!(packet_length(&[0x10, 0xFF, 0xFF, 0xFF, 0xFF], MAX_PACKET), Err(Broken::Malformed));
        assert_eq!(packet_length(&[0x10, 0x80], MAX_PACKET), Ok(None));
        assert_eq!(packet_length(&[0xC0, 0], MAX_PACKET), Ok(Some(2)));
    }

    #[test]
    fn what_we_send_can_be_read_by_the_codec() {
        for version in [Version::V3, Version::V5] {
            let bytes = publish(version, "nuki/A1/lockAction", "1", 2, 7);
            match read(version, &bytes) {
                Ok(Packet::Publish { topic, payload, qos, packet, dup }) => {
                    assert_eq!(
                        (&*topic, &*payload, qos, packet, dup),
                        ("nuki/A1/lockAction", &b"1"[..], 2, 7, false)
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn trailing_bytes_in_a_connect_are_refused() {
        let mut frame = vec![0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 2, b'i', b'd'];
        assert!(read_connect(&frame).is_ok());
        frame.extend([1, 2, 3]);
        frame[1] += 3;
        assert_eq!(read_connect(&frame).unwrap_err(), Broken::Malformed);
    }

    #[test]
    fn other_versions_are_told_apart_from_nonsense() {
        let old = [0x10, 14, 0, 6, b'M', b'Q', b'I', b's', b'd', b'p', 3, 2, 0, 60, 0, 0];
        assert_eq!(read_connect(&old).unwrap_err(), Broken::OtherVersion);
        assert_eq!(read_connect(b"GET / HTTP/1.1\r\n").unwrap_err(), Broken::Malformed);
    }
}
