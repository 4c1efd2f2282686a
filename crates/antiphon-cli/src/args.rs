//! What was written on the command line, and no more: what it means is for the commands.

use std::ffi::OsStr;
use std::path::PathBuf;

use antiphon::RateLimit;
use antiphon::zoo::{self, Purpose};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  antiphon \"What is the capital of France?\"
  cat notes.txt | antiphon -m local/chorister \"Summarise these notes\"

Every option of `antiphon prompt` may be given without its verb.";

/// Prompt in, completion out: any model, hosted or local, called the same way.
#[derive(Debug, Parser)]
#[command(name = "antiphon", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) prompt: PromptArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a prompt and print the answer (what antiphon does without a verb)
    Prompt(Box<PromptArgs>),
    /// Hold a conversation
    Chat(CallArgs),
    /// Send every row of a file, many at once, and write each answer to another
    Batch(Box<BatchArgs>),
    /// Show the HTTP request that a prompt would send, and send nothing
    Explain(Box<PromptArgs>),
    /// List models and what is known of them, show or set the default one
    Models(ModelsArgs),
    /// Choose an open model, and get its weights
    Zoo(ZooArgs),
    /// Count the tokens of a text
    Tokens(TokensArgs),
    /// Store and list keys of providers
    Keys(KeysArgs),
    /// Look at the answers that are kept, and remove them
    Cache(CacheArgs),
    /// Answer over HTTP, as OpenAI, Anthropic and LLM Engine do
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// Show what is configured, from where, and what local models run on
    Doctor(DoctorArgs),
    /// Run a model for another process of antiphon, which starts this one by itself
    #[cfg(feature = "local")]
    #[command(hide = true)]
    EngineProcess,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or that of one verb
    Man(ManArgs),
}

/// What every call to a model takes.
#[derive(Debug, Default, Args)]
pub(crate) struct CallArgs {
    /// Model, as provider/model or local/NAME
    #[arg(short, long)]
    pub(crate) model: Option<String>,
    /// System prompt
    #[arg(short, long)]
    pub(crate) system: Option<String>,
    /// Parameter of the call, such as `-o temperature 0.5`; the value is JSON, else text
    #[arg(
        short = 'o',
        long = "option",
        num_args = 2,
        value_names = ["KEY", "VALUE"],
        action = ArgAction::Append,
        allow_negative_numbers = true
    )]
    pub(crate) options: Vec<String>,
    /// Print the answer when it is whole
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// Send control characters of the answer to the terminal as they are
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct PromptArgs {
    /// The prompt; what is piped in goes before it
    pub(crate) prompt: Vec<String>,
    #[command(flatten)]
    pub(crate) call: CallArgs,
    /// Text file to put before the prompt; `-` is the standard input
    #[arg(short, long = "fragment", value_name = "FILE")]
    pub(crate) fragments: Vec<PathBuf>,
    /// Image, sound or document to send along: a file, an address, or `-`
    #[arg(short, long = "attachment", value_name = "FILE")]
    pub(crate) attachments: Vec<String>,
    /// Attachment with its MIME type
    #[arg(long = "attachment-type", visible_alias = "at", num_args = 2, value_names = ["FILE", "TYPE"])]
    pub(crate) typed_attachments: Vec<String>,
    /// Answer in JSON of this schema: JSON, a file, or fields such as "name, age int, bio: one sentence"
    #[arg(long)]
    pub(crate) schema: Option<String>,
    /// Answer with a list of such objects
    #[arg(long, value_name = "SCHEMA", conflicts_with = "schema")]
    pub(crate) schema_multi: Option<String>,
    /// Print the whole response as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only the first fenced code block
    #[arg(short = 'x', long)]
    pub(crate) extract: bool,
    /// Print only the last fenced code block
    #[arg(long, visible_alias = "xl", conflicts_with = "extract")]
    pub(crate) extract_last: bool,
    /// Print token counts to stderr
    #[arg(short, long)]
    pub(crate) usage: bool,
}

const BATCH_EXAMPLES: &str = "\
Examples:
  antiphon batch in.jsonl -o out.jsonl -m openai/gpt-4o-mini --concurrency 100
  antiphon batch prompts.txt -o out.jsonl -m local/chorister --option max_tokens 50

A row is a request of OpenAI's batches, a request body, or a prompt as a JSON string; in a file that ends
in .txt, each line is a prompt. Run the same command again to go on where it stopped.";

#[derive(Debug, Args)]
#[command(after_help = BATCH_EXAMPLES)]
pub(crate) struct BatchArgs {
    /// File of the rows; `-` is the standard input
    pub(crate) input: PathBuf,
    /// File of the answers, one line for each row
    #[arg(short, long)]
    pub(crate) output: PathBuf,
    /// Model of every row, whatever the rows say
    #[arg(short, long)]
    pub(crate) model: Option<String>,
    /// System prompt of rows that have none
    #[arg(short, long)]
    pub(crate) system: Option<String>,
    /// Parameter of every call, such as `--option temperature 0.5`; the value is JSON, else text
    #[arg(
        long = "option",
        num_args = 2,
        value_names = ["KEY", "VALUE"],
        action = ArgAction::Append,
        allow_negative_numbers = true
    )]
    pub(crate) options: Vec<String>,
    /// Requests in flight at once, at most
    #[arg(short, long, value_name = "N", default_value_t = antiphon::batch::CONCURRENCY)]
    pub(crate) concurrency: usize,
    /// Requests to a model in a time, at most: 60/min, 2/s, 1000/hour
    #[arg(long)]
    pub(crate) rate: Option<RateLimit>,
    /// Send no more rows once this is spent
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) max_cost: Option<f64>,
    /// Send every row again that failed before, not only those that may heal
    #[arg(long)]
    pub(crate) retry_errors: bool,
    /// Print a summary as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List local models and providers
    List,
    /// List the models whose names have these words, with their prices
    Search {
        /// Words such as `groq` or `embedding`; without any, every model that something is known of
        words: Vec<String>,
    },
    /// Show what is known of a model: prices, limits, abilities
    Show {
        /// Model, as provider/model or a well-known name
        model: String,
        /// Print a JSON object, in the words of LiteLLM's price map
        #[arg(long)]
        json: bool,
    },
    /// Show the default model, or set it
    Default {
        /// Model to use where a call names none
        model: Option<String>,
    },
}

const ZOO_EXAMPLES: &str = "\
Examples:
  antiphon zoo list --memory 8
  antiphon zoo pull qwen3-4b
  antiphon -m local/qwen3-4b \"What is the capital of France?\"

NAME is one of `antiphon zoo list`, or ORG/REPO of any repository of the Hugging Face hub that has a GGUF file;
either with :FILE or :QUANTISATION behind it, as in Qwen/Qwen3-8B-GGUF:Q8_0.";

#[derive(Debug, Args)]
#[command(after_help = ZOO_EXAMPLES)]
pub(crate) struct ZooArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ZooCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ZooCommand {
    /// List models: what they take, and what they are good for
    List(ZooListArgs),
    /// Show what is known of a model
    Info {
        /// Name of a model
        #[arg(value_parser = ZooName, hide_possible_values = true)]
        name: String,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Get a model's weights, and print where they are; goes on where an earlier pull stopped
    #[command(after_help = ZOO_EXAMPLES)]
    Pull {
        /// Name of a model, or ORG/REPO
        #[arg(value_parser = ZooName, hide_possible_values = true)]
        name: String,
        /// Show no progress
        #[arg(short, long)]
        quiet: bool,
    },
    /// Remove a model's weights
    #[command(visible_alias = "remove")]
    Rm {
        /// Name of a model, or ORG/REPO
        #[arg(value_parser = ZooName, hide_possible_values = true)]
        name: String,
    },
    /// Print where a model's weights are
    Path {
        /// Name of a model, or ORG/REPO
        #[arg(value_parser = ZooName, hide_possible_values = true)]
        name: String,
    },
}

#[derive(Debug, Default, Args)]
pub(crate) struct ZooListArgs {
    /// Only those that have these words, such as `code` or `qwen`
    pub(crate) words: Vec<String>,
    /// Only those whose weights are here
    #[arg(long)]
    pub(crate) here: bool,
    /// Only those that run in so much memory
    #[arg(long, value_name = "GIGABYTES")]
    pub(crate) memory: Option<f64>,
    /// Only base, instruct, embedding or reranker models
    #[arg(long, value_name = "KIND", value_parser = crate::commands::zoo::kind)]
    pub(crate) kind: Option<Purpose>,
    /// Only the names of LLM Engine's Model Zoo
    #[arg(long)]
    pub(crate) llm_engine: bool,
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

/// Any name; a shell completes those of the catalogue.
#[derive(Debug, Clone)]
struct ZooName;

impl TypedValueParser for ZooName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(zoo::models().iter().map(|model| PossibleValue::new(model.name))))
    }
}

#[derive(Debug, Args)]
pub(crate) struct TokensArgs {
    /// The text; without it, what is piped in
    pub(crate) text: Vec<String>,
    /// Model whose tokens they are, as provider/model or local/NAME
    #[arg(short, long)]
    pub(crate) model: Option<String>,
    /// Text file to count, once for each; `-` is the standard input
    #[arg(short, long = "file", value_name = "FILE", conflicts_with = "text")]
    pub(crate) files: Vec<PathBuf>,
    /// Print the tokens, not their number
    #[arg(long)]
    pub(crate) ids: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: Option<KeysCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the providers that have a stored key
    List,
    /// Store a provider's key; asks for it without showing it
    Set {
        /// Provider, such as openai
        name: String,
        /// The key itself; other users of the machine may see it in the list of processes
        #[arg(long)]
        value: Option<String>,
    },
    /// Print a stored key
    Get {
        /// Provider, such as openai
        name: String,
    },
    /// Print where keys are stored
    Path,
}

#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    /// Folder of the answers; without it, ANTIPHON_CACHE_PATH
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<CacheCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Count the answers
    Stats,
    /// List the newest answers
    Ls {
        /// At most so many
        #[arg(short, long, default_value_t = 20)]
        limit: u32,
    },
    /// Remove the answers
    Clear {
        /// Only those whose time is over
        #[arg(long)]
        expired: bool,
    },
    /// Print where they are kept
    Path,
}

#[cfg(feature = "serve")]
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; other than this machine's own only with keys [default: 127.0.0.1]
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Port to listen on; 0 is any free one [default: 4000]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Further name for a model; may be given several times
    #[arg(long = "alias", value_name = "NAME=TARGET")]
    pub(crate) aliases: Vec<String>,
    /// File to read in place of config.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of endpoints, files and batch jobs
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Say what would be served, and stop
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to complete in
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Verb, such as chat
    pub(crate) verb: Option<String>,
}

/// Values of an option that takes two at a time.
pub(crate) fn pairs(values: &[String]) -> impl Iterator<Item = (&str, &str)> {
    values.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_negative_value_is_a_value() {
        let cli = Cli::try_parse_from(["antiphon", "hi", "-o", "presence_penalty", "-1.5"]).unwrap();
        assert_eq!(pairs(&cli.prompt.call.options).collect::<Vec<_>>(), [("presence_penalty", "-1.5")]);
    }
}
