//! `antiphon tokens`: how many tokens a text is, or which.

use antiphon::tokens::Tokenizer;
use antiphon::{Client, Error, Kind};

use crate::args::TokensArgs;
use crate::failure::Outcome;
use crate::input::{Stdin, fragment};
use crate::printer::Printer;
use crate::runtime;

pub(crate) fn run(args: &TokensArgs, printer: &mut Printer) -> Outcome {
    let client = Client::new()?;
    let texts = texts(args)?;
    let model = args.model.clone().unwrap_or_else(|| client.default_model().0);
    let tokenizer = runtime::run(async { Ok(client.tokenizer(&model).await?) })?;
    for (name, text) in &texts {
        let found = told(&tokenizer, text, args.ids)?;
        match name {
            Some(name) if texts.len() > 1 => printer.line(format_args!("{found}  {name}"))?,
            _ => printer.line(found)?,
        }
    }
    if !tokenizer.is_exact() {
        let name = tokenizer.name();
        printer.note(format_args!("an estimate by {name}: the vocabulary of {model} is not here"));
    }
    Ok(())
}

/// The texts, each with the name of its file.
fn texts(args: &TokensArgs) -> Result<Vec<(Option<String>, String)>, Error> {
    let mut stdin = Stdin::default();
    if !args.files.is_empty() {
        let file =
            |path: &std::path::PathBuf| Ok((Some(path.display().to_string()), fragment(path, &mut stdin)?));
        return args.files.iter().map(file).collect();
    }
    if !args.text.is_empty() {
        return Ok(vec![(None, args.text.join(" "))]);
    }
    let nothing = || {
        Error::new(Kind::InvalidRequest, "there is no text to count")
            .hint("give it as an argument, with -f FILE, or pipe it in")
    };
    Ok(vec![(None, stdin.piped_text()?.ok_or_else(nothing)?)])
}

fn told(tokenizer: &Tokenizer, text: &str, ids: bool) -> Result<String, Error> {
    if !ids {
        return Ok(tokenizer.count(text)?.to_string());
    }
    Ok(tokenizer.encode(text)?.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
}
