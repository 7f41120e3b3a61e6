use crate::{BadLine, Hit};

/// What is made of the records that match.
///
/// The records of one chunk of a file are folded into one part, on any thread; the parts come to the caller of
/// [`scan`](crate::scan) in the order of the inputs and of the lines in them. What a part is, is the visitor's: the rows
/// of a table as bytes, a number, a map of counts.
pub trait Visitor: Sync {
    /// What the hits of a chunk become.
    type Part: Default + Send;

    /// Takes a record that matches. Within a part, hits and bad lines come in the order of the lines.
    fn hit(&self, part: &mut Self::Part, hit: &Hit<'_>);

    /// Takes a line that was looked at and is no event.
    fn bad_line(&self, part: &mut Self::Part, line: &BadLine<'_>);

    /// About how many bytes a part holds. Reading stops ahead of a slow taker when the parts that wait hold much, so a number
    /// that is too small costs memory and nothing else. A part of nothing has 0.
    fn size(&self, part: &Self::Part) -> usize;
}
