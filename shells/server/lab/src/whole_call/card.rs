//! What the caller says: speech, the digits of a card as tones and as events, speech again. And how it is found in files.

use anyhow::Result;
use core::f64::consts::TAU;
use etherparse::PacketBuilder;
use recording_lab::spool::File;
use rtp_types::{RtpPacket, RtpPacketBuilder};

/// The number that must not be recorded. It is one that is meant for tests.
pub(super) const NUMBER: &str = "4111111111111111";
/// Packets of each part of speech: 2 s.
pub(super) const SPEECH: usize = 100;
/// Packets of a digit: four of its tone, two of a low hum.
const DIGIT: usize = 6;
const TONE: usize = 4;
/// Audio packets of the number.
pub(super) const DIGITS: usize = DIGIT * NUMBER.len();
/// All that the caller sends: each digit is an event next to its audio.
pub(super) const PACKETS: usize = 2 * SPEECH + 2 * DIGITS;
/// Samples of a packet.
const SAMPLES: usize = 160;
const RATE: f64 = 8000.0;
const PCMA: u8 = 8;
/// RFC 4733, by the offer in `caller.xml`.
const EVENT: u8 = 101;
/// The speech before and after, as tones that are no DTMF.
const BEFORE: f64 = 440.0;
const AFTER: f64 = 550.0;
const HUM: f64 = 30.0;
const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 3] = [1209.0, 1336.0, 1477.0];
const KEYS: [&str; 4] = ["123", "456", "789", "*0#"];

/// ITU-T G.711.
const fn to_a_law(sample: i16) -> u8 {
    let is_negative = sample < 0;
    // 12 bits of magnitude, with the sign's bit of one's complement.
    let magnitude = (if is_negative { !sample } else { sample }) >> 3;
    let code = if magnitude < 32 {
        (magnitude >> 1) as u8
    } else {
        let exponent = 11 - (magnitude as u16).leading_zeros() as i16;
        ((exponent << 4) | ((magnitude >> exponent) & 15)) as u8
    };
    (if is_negative { code } else { code | 0x80 }) ^ 0x55
}

fn from_a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = (i16::from(code >> 4 & 7), i16::from(code & 15));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

fn tone(packet: usize, frequencies: &[f64]) -> Vec<u8> {
    (0..SAMPLES)
        .map(|at| {
            let time = (packet * SAMPLES + at) as f64 / RATE;
            to_a_law(frequencies.iter().map(|frequency| 8000.0 * (TAU * frequency * time).sin()).sum::<f64>() as i16)
        })
        .collect()
}

fn frequencies(digit: char) -> [f64; 2] {
    let keys = KEYS.iter().zip(ROWS).find_map(|(keys, row)| Some([row, COLUMNS[keys.find(digit)?]]));
    keys.unwrap_or_default()
}

/// What the caller sends, as sipp plays it: a file of packets by Ethernet.
pub(super) fn file() -> Result<Vec<u8>> {
    let mut file = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0]);
    let mut sequence = 0;
    for packet in 0..2 * SPEECH + DIGITS {
        let mut put = |late: u32, kind: u8, payload: &[u8]| {
            write(&mut file, sequence, packet, late, kind, payload)?;
            sequence += 1;
            anyhow::Ok(())
        };
        let at = packet.checked_sub(SPEECH).filter(|at| *at < DIGITS);
        match at.and_then(|at| Some((at, NUMBER.chars().nth(at / DIGIT)?))) {
            None if packet < SPEECH => put(0, PCMA, &tone(packet, &[BEFORE]))?,
            None => put(0, PCMA, &tone(packet, &[AFTER]))?,
            Some((at, digit)) => {
                let step = at % DIGIT;
                let sounds = if step < TONE { frequencies(digit).to_vec() } else { vec![HUM] };
                put(0, PCMA, &tone(packet, &sounds))?;
                let end = if step == TONE - 1 { 0x80 } else { 0 };
                let duration = u16::try_from(SAMPLES * (step + 1))?.to_be_bytes();
                let event = u8::try_from(digit.to_digit(10).unwrap_or_default())?;
                put(1000, EVENT, &[event, end | 10, duration[0], duration[1]])?;
            }
        }
    }
    Ok(file)
}

fn write(file: &mut Vec<u8>, sequence: u16, packet: usize, late: u32, kind: u8, payload: &[u8]) -> Result<()> {
    let rtp = RtpPacketBuilder::<&[u8], &[u8]>::new()
        .payload_type(kind)
        .sequence_number(sequence)
        .timestamp(u32::try_from(packet * SAMPLES)?)
        .ssrc(0xca11_ca11)
        .payload(payload)
        .write_vec()
        .map_err(|error| anyhow::anyhow!("an RTP packet: {error}"))?;
    let mut frame = Vec::new();
    let local = [127, 0, 0, 1];
    PacketBuilder::ethernet2([0; 6], [0; 6]).ipv4(local, local, 64).udp(6000, 6000).write(&mut frame, &rtp)?;
    let microseconds = u32::try_from(packet * 20_000)? + late;
    for number in [microseconds / 1_000_000, microseconds % 1_000_000] {
        file.extend(number.to_le_bytes());
    }
    let length = u32::try_from(frame.len())?.to_le_bytes();
    file.extend([length, length].concat());
    file.extend(frame);
    Ok(())
}

/// How much of a sound is of one frequency (Goertzel): 1 is all of it.
fn share(sound: &[f64], frequency: f64) -> f64 {
    let turn = 2.0 * (TAU * frequency / RATE).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in sound {
        (last, before) = (sample + turn * last - before, last);
    }
    let power = last * last + before * before - turn * last * before;
    let all = sound.iter().map(|sample| sample * sample).sum::<f64>();
    if all == 0.0 { 0.0 } else { 2.0 * power / (all * sound.len() as f64) }
}

/// What is found in a recording, in packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) tones: usize,
    pub(super) events: usize,
    pub(super) other: usize,
    /// The digits of the tones, a character a packet.
    pub(super) digits: String,
}

impl Heard {
    pub(super) fn add(&mut self, file: &File) {
        for packet in file.datagrams.iter().filter_map(|datagram| RtpPacket::parse(datagram).ok()) {
            match packet.payload_type() {
                EVENT => self.events += 1,
                PCMA if packet.payload().len() == SAMPLES => self.listen(packet.payload()),
                _ => self.other += 1,
            }
        }
    }

    fn listen(&mut self, payload: &[u8]) {
        let sound: Vec<_> = payload.iter().map(|&code| f64::from(from_a_law(code))).collect();
        // The strongest of a group.
        let strongest = |group: &[f64]| {
            let shares = group.iter().map(|&frequency| share(&sound, frequency)).enumerate();
            shares.max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or_default()
        };
        let (row, column) = (strongest(&ROWS), strongest(&COLUMNS));
        if share(&sound, BEFORE) > 0.6 {
            self.before += 1;
        } else if share(&sound, AFTER) > 0.6 {
            self.after += 1;
        } else if row.1 > 0.2 && column.1 > 0.2 {
            self.tones += 1;
            self.digits.extend(KEYS[row.0].chars().nth(column.0));
        } else {
            self.other += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_is_that_of_the_standard() {
        // The codes of the standard's table at some decision values, and the way back.
        for (sample, code) in [(0, 0xd5), (-1, 0x55), (32_767, 0xaa), (-32_768, 0x2a), (1000, 0xfa), (-1000, 0x7a)] {
            assert_eq!(to_a_law(sample), code, "{sample}");
        }
        for code in 0..=u8::MAX {
            assert_eq!(to_a_law(from_a_law(code)), code, "{code:#x}");
        }
    }

    #[test]
    fn all_is_heard_of_what_the_caller_says() -> Result<()> {
        let bytes = file()?;
        // By Ethernet: each packet has its own head of 16 bytes, and 14 of Ethernet before IP.
        let (mut at, mut heard, mut packets) = (24, Heard::default(), 0);
        while at < bytes.len() {
            let length = u32::from_le_bytes([bytes[at + 8], bytes[at + 9], bytes[at + 10], bytes[at + 11]]) as usize;
            let datagram = bytes[at + 16 + 14 + 20 + 8..at + 16 + length].to_vec();
            heard.add(&File { datagrams: vec![datagram], is_cut: false });
            (at, packets) = (at + 16 + length, packets + 1);
        }
        assert_eq!(packets, PACKETS);
        let (tones, hum) = (TONE * NUMBER.len(), (DIGIT - TONE) * NUMBER.len());
        let digits: String = NUMBER.chars().flat_map(|digit| [digit; TONE]).collect();
        assert_eq!(heard, Heard { before: SPEECH, after: SPEECH, tones, events: DIGITS, other: hum, digits });
        Ok(())
    }
}
