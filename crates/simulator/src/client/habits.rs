//! How devices misbehave: the probabilities of what real ones do to a server.

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// An acknowledgement is lost, so its packet is sent twice; for every packet.
    pub deaf: f64,
    /// The newest records leave before older ones that wait; for every packet.
    pub newest_first: f64,
    /// The device hangs up and calls again; for every packet.
    pub hang_up: f64,
    /// The connection does not survive a tunnel or a hole in the network.
    pub cut_off: f64,
}

impl Habits {
    /// As in a fleet on the road.
    pub const REAL: Self = Self { deaf: 0.004, newest_first: 0.02, hang_up: 0.002, cut_off: 0.5 };
    /// Each record once, in order, over one connection.
    pub const NONE: Self = Self { deaf: 0.0, newest_first: 0.0, hang_up: 0.0, cut_off: 0.0 };
}
