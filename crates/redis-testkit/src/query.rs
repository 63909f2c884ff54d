//! One command on a connection of its own, as an administrator, and its reply as lines, those of `redis-cli`. Tests ask
//! often, and a process for each command would cost more than what they test. It must not know what a command means.
//!
//! The protocol: <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::options::{ADMIN, ADMIN_PASSWORD};

/// Timeout of each step. Without it, a frozen server would block the test for ever.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The reply to a command: one line for each value in it. An error of the server or of the connection is its text.
pub(crate) fn query(port: u16, args: &[&str]) -> Result<String, String> {
    let mut reader = send(port, args).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    read(&mut reader, &mut lines).map_err(|error| error.to_string())??;
    Ok(lines.join("\n").trim_end().to_owned())
}

/// Sends the login and the command. The login fails where the user does not exist; the reply to the command shows whether it was needed.
fn send(port: u16, args: &[&str]) -> io::Result<BufReader<TcpStream>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut request = encode(&["AUTH", ADMIN, ADMIN_PASSWORD]);
    request.push_str(&encode(args));
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let _ = read(&mut reader, &mut Vec::new())?;
    Ok(reader)
}

fn encode(args: &[&str]) -> String {
    let values = args.iter().map(|arg| format!("${}\r\n{arg}\r\n", arg.len()));
    format!("*{}\r\n{}", args.len(), values.collect::<String>())
}

/// Adds the values of a reply to `lines`. An error within a list is a line, too.
fn read(reader: &mut impl BufRead, lines: &mut Vec<String>) -> io::Result<Result<(), String>> {
    let mut head = String::new();
    reader.read_line(&mut head)?;
    let head = head.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let (kind, rest) = head.split_at_checked(1).ok_or(io::ErrorKind::InvalidData)?;
    let length = || rest.parse::<i64>().map_err(|_| io::ErrorKind::InvalidData);
    match kind {
        "-" => return Ok(Err(rest.to_owned())),
        "+" | ":" => lines.push(rest.to_owned()),
        "$" => lines.push(bulk(reader, length()?)?),
        "*" => {
            let length = length()?;
            if length < 1 {
                lines.push(String::new());
            }
            for _ in 0..length {
                if let Err(error) = read(reader, lines)? {
                    lines.push(error);
                }
            }
        }
        _ => return Err(io::ErrorKind::InvalidData.into()),
    }
    Ok(Ok(()))
}

/// The text of that length; nothing has the length -1.
fn bulk(reader: &mut impl Read, length: i64) -> io::Result<String> {
    let Ok(length) = usize::try_from(length) else { return Ok(String::new()) };
    let mut bytes = vec![0; length + "\r\n".len()];
    reader.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}
