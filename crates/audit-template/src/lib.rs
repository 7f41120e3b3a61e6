#![doc = include_str!("../README.md")]

mod bounded;
mod error;
mod escape;
mod function;
mod lexer;
mod parser;
mod printf;
mod quote;
mod render;
mod shape;
mod syntax;
mod template;
mod value;

pub use error::TemplateError;
pub use escape::Escape;
pub use shape::Shape;
pub use template::{MAX_ITERATIONS, MAX_NESTING, MAX_OUTPUT_BYTES, MAX_TEMPLATE_BYTES, Template};
