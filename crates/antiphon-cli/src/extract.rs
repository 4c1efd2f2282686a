//! `-x`: the code of an answer, without the talk around it.

/// The first fenced code block of `text`, or the last; `None` where there is none that is closed.
pub(crate) fn code_block(text: &str, last: bool) -> Option<String> {
    let mut blocks = CodeBlocks { lines: text.split_inclusive('\n') };
    if last { blocks.last() } else { blocks.next() }
}

struct CodeBlocks<'a> {
    lines: std::str::SplitInclusive<'a, char>,
}

impl Iterator for CodeBlocks<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let fence = self.lines.by_ref().find_map(opening)?;
        let mut code = String::new();
        for line in self.lines.by_ref() {
            if line.trim_end() == fence {
                return Some(code);
            }
            code.push_str(line);
        }
        None
    }
}

/// The backticks of a line that opens a block: three or more, then at most a language.
fn opening(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let language = line.trim_start_matches('`');
    let fence = &line[..line.len() - language.len()];
    (fence.len() >= 3 && !language.contains(['`', ' '])).then_some(fence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found() {
        let text = "Sure:\n```python\nprint(1)\n```\nand\n````\n```\ninner\n```\n````\nbye";
        assert_eq!(code_block(text, false).as_deref(), Some("print(1)\n"));
        assert_eq!(code_block(text, true).as_deref(), Some("```\ninner\n```\n"));
        for none in ["no code", "``` not a fence line\n", "```rust\nfn open() {"] {
            assert_eq!(code_block(none, false), None, "{none}");
        }
    }
}
