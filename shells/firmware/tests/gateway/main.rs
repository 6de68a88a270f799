//! The images in QEMU, tested from outside.

mod boot;
mod cells;
mod clients;
mod hostile;
mod line;
mod listeners;
mod support;
mod vectors;
