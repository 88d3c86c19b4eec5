//! The connector against the other side of a real socket, and against any bytes.

mod calling;
mod calls;
mod devices;
mod kit;
mod limits;
mod properties;
mod turns;
