//! Which tool call a piece of a stream belongs to.
//!
//! By the reference every piece has an `index`, and the first of a call its id and name. In the field the
//! index is missing, or 0 for every call; ids come with each piece, or a new one with each piece; calls come
//! whole, one a chunk. The rules here assemble all of those.

/// The calls of one choice so far.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// Which was spoken of last.
    last: usize,
}

/// A call as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The index that the wire gave.
    index: Option<u32>,
    /// Our place for it: the wire's index, unless another call has that.
    pub(super) place: u32,
    pub(super) id: String,
    pub(super) name: String,
    /// Whether it is a custom tool's, once that was said.
    pub(super) custom: Option<bool>,
    pub(super) has_arguments: bool,
}

impl Calls {
    /// The call that a piece belongs to, made where it is new.
    pub(super) fn find(&mut self, index: Option<u32>, id: &str, name: &str) -> &mut Call {
        let at = self.existing(index, id, name).unwrap_or_else(|| self.add(index));
        self.last = at;
        &mut self.calls[at]
    }

    fn existing(&self, index: Option<u32>, id: &str, name: &str) -> Option<usize> {
        let same_index = |call: &Call| index.is_none() || call.index == index;
        if !id.is_empty()
            && let Some(at) = self.calls.iter().rposition(|call| call.id == id && same_index(call))
        {
            return Some(at);
        }
        let at = match index {
            Some(_) => self.calls.iter().rposition(same_index)?,
            None if self.calls.is_empty() => return None,
            None => self.last,
        };
        let call = &self.calls[at];
        // A name begins a call. Another id without a name does not: some servers make up one a piece.
        let another = if name.is_empty() {
            false
        } else if !id.is_empty() && !call.id.is_empty() {
            true
        } else {
            call.has_arguments && (index.is_none() || call.name != name)
        };
        (!another).then_some(at)
    }

    fn add(&mut self, index: Option<u32>) -> usize {
        let taken = |place| self.calls.iter().any(|call| call.place == place);
        let next = || self.calls.iter().map(|call| call.place.saturating_add(1)).max().unwrap_or(0);
        let place = index.filter(|place| !taken(*place)).unwrap_or_else(next);
        self.calls.push(Call { index, place, ..Call::default() });
        self.calls.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces as (index, id, name); the places that they go to.
    fn check(pieces: &[(Option<u32>, &str, &str)], expected: &[u32]) {
        let mut calls = Calls::default();
        let places: Vec<u32> = pieces
            .iter()
            .map(|(index, id, name)| {
                let call = calls.find(*index, id, name);
                if call.id.is_empty() {
                    call.id = (*id).to_owned();
                }
                call.name = (*name).to_owned();
                call.has_arguments = true;
                call.place
            })
            .collect();
        assert_eq!(places, expected, "{pieces:?}");
    }

    #[test]
    fn by_the_reference() {
        check(
            &[(Some(0), "a", "f"), (Some(0), "", ""), (Some(1), "b", "f"), (Some(1), "", "")],
            &[0, 0, 1, 1],
        );
        check(
            &[(Some(1), "b", "g"), (Some(0), "a", "f"), (Some(1), "", ""), (Some(0), "", "")],
            &[1, 0, 1, 0],
        );
        check(&[(Some(u32::MAX - 1), "a", "f")], &[u32::MAX - 1]);
    }

    #[test]
    fn as_it_comes() {
        // The id with every piece, and another one with every piece.
        check(&[(Some(0), "a", "f"), (Some(0), "a", ""), (Some(0), "x", "")], &[0, 0, 0]);
        // One index for every call.
        check(
            &[(Some(0), "a", "f"), (Some(0), "b", "f"), (Some(0), "", ""), (Some(0), "a", "")],
            &[0, 1, 1, 0],
        );
        check(&[(Some(0), "", "f"), (Some(0), "", "g")], &[0, 1]);
        check(&[(Some(0), "a", "f"), (Some(0), "b", "f"), (Some(1), "c", "f")], &[0, 1, 2]);
        // No index: whole calls, and pieces.
        check(&[(None, "a", "f"), (None, "b", "g"), (None, "", "h")], &[0, 1, 2]);
        check(
            &[(None, "a", "f"), (None, "", ""), (None, "b", "f"), (None, "a", ""), (None, "", "")],
            &[0, 0, 1, 0, 0],
        );
        // Neither index nor id nor name: there is nothing else that it could belong to.
        check(&[(None, "", ""), (None, "", "")], &[0, 0]);
    }
}
