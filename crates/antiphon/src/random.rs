//! Names that nobody else has.

use antiphon_core::Operation;
use uuid::{Builder, Uuid};

/// A random UUID for an answer or a request. It guards nothing, so it is not worth asking the kernel each time; but a forked
/// process goes on with its parent's generator, so the process is part of it.
pub fn uuid() -> Uuid {
    let process = u128::from(std::process::id()).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    Builder::from_random_bytes((fastrand::u128(..) ^ process).to_le_bytes()).into_uuid()
}

/// The id of an answer that has none of its own.
pub fn answer_id(operation: Operation) -> String {
    let kind = match operation {
        Operation::Chat => "chatcmpl",
        Operation::TextCompletion => "cmpl",
        Operation::Embeddings => "embd",
        Operation::Rerank => "rerank",
    };
    format!("{kind}-{}", uuid())
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_are_alike() {
        let mut made: Vec<_> = (0..10_000).map(|_| super::uuid()).collect();
        made.sort_unstable();
        made.dedup();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|uuid| uuid.get_version_num() == 4));
    }
}
