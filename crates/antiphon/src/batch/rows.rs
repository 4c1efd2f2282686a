//! A set of rows, with one bit for each.

/// Which rows of a batch are something.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    bits: Vec<u64>,
    pub(super) count: u64,
}

impl Rows {
    /// None of so many.
    pub(super) fn none_of(rows: u64) -> Self {
        Self { bits: vec![0; usize::try_from(rows.div_ceil(64)).unwrap_or(usize::MAX)], count: 0 }
    }

    pub(super) fn has(&self, row: u64) -> bool {
        self.bits.get((row / 64) as usize).is_some_and(|bits| bits & (1 << (row % 64)) != 0)
    }

    /// Adds a row; false where it was in it already, or is none.
    pub(super) fn add(&mut self, row: u64) -> bool {
        let Some(bits) = self.bits.get_mut((row / 64) as usize) else { return false };
        let is_new = *bits & (1 << (row % 64)) == 0;
        *bits |= 1 << (row % 64);
        self.count += u64::from(is_new);
        is_new
    }

    pub(super) fn remove(&mut self, row: u64) {
        if self.has(row) {
            self.bits[(row / 64) as usize] &= !(1 << (row % 64));
            self.count -= 1;
        }
    }

    /// Those that are in it.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        (0..self.bits.len() as u64 * 64).filter(|row| self.has(*row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_and_go() {
        let mut rows = Rows::none_of(130);
        assert!(rows.add(0) && rows.add(129) && !rows.add(129));
        assert!(!rows.add(5000), "there is no such row");
        rows.remove(0);
        rows.remove(1);
        assert_eq!((rows.count, rows.iter().collect::<Vec<_>>()), (1, vec![129]));
    }
}
