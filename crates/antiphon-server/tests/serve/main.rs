//! The server over sockets: who may ask, what is answered, what is refused, and how it ends.

mod access;
mod answers;
mod input;
mod leaving;
mod life;
mod rig;
mod walk;
