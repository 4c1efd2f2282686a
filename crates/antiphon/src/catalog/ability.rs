//! What models can do: a bit an ability.

/// An ability, by the names it has here and in LiteLLM (`supports_` goes before that one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ability {
    /// Its name in the tables and in the shell.
    pub name: &'static str,
    /// Its name in LiteLLM.
    pub litellm: &'static str,
    /// What it is, for people.
    pub about: &'static str,
}

const fn row(name: &'static str, litellm: &'static str, about: &'static str) -> Ability {
    Ability { name, litellm, about }
}

/// Every ability that the tables tell.
pub const ABILITIES: &[Ability] = &[
    row("functions", "function_calling", "calls functions"),
    row("parallel", "parallel_function_calling", "calls several functions at once"),
    row("choice", "tool_choice", "can be made to call a function"),
    row("schema", "response_schema", "answers in JSON of a schema"),
    row("system", "system_messages", "takes system messages"),
    row("vision", "vision", "sees images"),
    row("pdf", "pdf_input", "reads PDF files"),
    row("audio_in", "audio_input", "hears sound"),
    row("audio_out", "audio_output", "speaks"),
    row("video", "video_input", "watches videos"),
    row("reasoning", "reasoning", "reasons before it answers"),
    row("caching", "prompt_caching", "has cheaper prompts that it has read before"),
    row("search", "web_search", "searches the web"),
    row("url", "url_context", "reads addresses"),
    row("computer", "computer_use", "uses a computer"),
    row("prefill", "assistant_prefill", "goes on from the start of an answer"),
    row("image_embedding", "embedding_image_input", "embeds images"),
];

/// What a model can do. What is not in it is not known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities(u32);

impl Abilities {
    /// Whether the ability of that name, ours or LiteLLM's, is in it.
    pub fn has(self, name: &str) -> bool {
        bit(name).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Adds the ability of that name; false where there is none.
    pub fn add(&mut self, name: &str) -> bool {
        bit(name).is_some_and(|bit| {
            self.0 |= bit;
            true
        })
    }

    /// Takes the ability of that name away.
    pub fn remove(&mut self, name: &str) {
        self.0 &= !bit(name).unwrap_or_default();
    }

    /// Whether nothing is known.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it.
    pub fn iter(self) -> impl Iterator<Item = &'static Ability> {
        ABILITIES.iter().filter(move |ability| self.has(ability.name))
    }
}

fn bit(name: &str) -> Option<u32> {
    let at = ABILITIES.iter().position(|ability| ability.name == name || ability.litellm == name)?;
    Some(1 << at)
}
