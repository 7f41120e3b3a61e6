#![doc = include_str!("../README.md")]

mod assemble;
mod choice;
mod fields;
mod layer;
mod recording;

pub use layer::TracingLayer;
