//! Ports on which a connection fails before any byte.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

/// A port on which nobody listens: connecting is refused at once.
pub fn refused_port() -> RefusedPort {
    // Bound but not listening, so that nobody else gets it meanwhile.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&loopback()).expect("a free port");
    let port = port_of(&socket);
    RefusedPort { _socket: socket, port }
}

/// See [`refused_port`].
#[derive(Debug)]
pub struct RefusedPort {
    _socket: Socket,
    port: u16,
}

/// A port whose queue of connections is full and never emptied: connecting takes for ever.
pub fn full_backlog() -> FullBacklog {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&loopback()).expect("a free port");
    socket.listen(0).expect("a listener");
    let port = port_of(&socket);
    let mut clients = Vec::new();
    // The queue takes one or two more than it says; full is when one waits in vain.
    while let Ok(client) = TcpStream::connect_timeout(&address(port), Duration::from_millis(100)) {
        clients.push(client);
    }
    FullBacklog { _listener: socket.into(), _clients: clients, port }
}

/// See [`full_backlog`].
#[derive(Debug)]
pub struct FullBacklog {
    _listener: TcpListener,
    _clients: Vec<TcpStream>,
    port: u16,
}

impl RefusedPort {
    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl FullBacklog {
    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn loopback() -> SockAddr {
    address(0).into()
}

fn port_of(socket: &Socket) -> u16 {
    let address = socket.local_addr().ok().and_then(|address| address.as_socket());
    address.expect("it is bound").port()
}
