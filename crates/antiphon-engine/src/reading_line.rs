//! Whose prompt is read next.
//!
//! Prompts are read in the order in which they came, but one that has had its share of tokens goes to the end
//! of the line, so that a long prompt does not hold up the short ones behind it.

/// How many tokens of a prompt are read before it is the next one's turn.
const SHARE: usize = 256;

/// The line that prompts stand in.
#[derive(Debug, Default)]
pub(crate) struct ReadingLine {
    next: u64,
}

/// A place in the line; the smallest is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    number: u64,
    read: usize,
}

impl ReadingLine {
    /// A place at the end.
    pub(crate) fn enter(&mut self) -> Ticket {
        self.next += 1;
        Ticket { number: self.next, read: 0 }
    }

    /// Notes that so many tokens were read; after a whole share it is a place at the end.
    pub(crate) fn served(&mut self, ticket: Ticket, tokens: usize) -> Ticket {
        let read = ticket.read + tokens;
        if read >= SHARE { self.enter() } else { Ticket { read, ..ticket } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps after which prompts of these lengths are read, with room for so many tokens a step.
    fn steps(lengths: &[usize], room: usize) -> Vec<usize> {
        let mut line = ReadingLine::default();
        let mut prompts: Vec<(Ticket, usize, usize)> =
            lengths.iter().enumerate().map(|(at, left)| (line.enter(), *left, at)).collect();
        let mut done = vec![0; lengths.len()];
        for step in 1.. {
            prompts.sort_unstable();
            let mut room = room;
            for (ticket, left, at) in &mut prompts {
                let read = room.min(*left);
                room -= read;
                *left -= read;
                *ticket = line.served(*ticket, read);
                if *left == 0 {
                    done[*at] = step;
                }
            }
            prompts.retain(|(_, left, _)| *left > 0);
            if prompts.is_empty() {
                break;
            }
        }
        done
    }

    #[test]
    fn prompts_are_read_as_they_come() {
        assert_eq!(steps(&[64, 64, 64], 64), [1, 2, 3]);
        assert_eq!(steps(&[30, 30, 30, 30], 64), [1, 1, 2, 2]);
    }

    #[test]
    fn a_long_prompt_lets_short_ones_by() {
        assert_eq!(steps(&[1024, 64, 64], 64), [18, 5, 6]);
        assert_eq!(steps(&[512, 512], 64), [12, 16], "two long ones take turns");
    }
}
