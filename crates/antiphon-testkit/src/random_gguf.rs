//! GGUF files with random weights, written from a recipe: `NAME.json` in `architectures` or `rerankers` below
//! `crates/antiphon-engine/tests/files`, which `scripts/architectures.py` made, tells the metadata, and how the numbers
//! of each tensor are drawn.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::{Path, PathBuf};

use serde_json::Value;

/// `<unk>`, `<s>`, `</s>`, the 128 bytes of ASCII and 61 pairs of letters: as many tokens as the recipes' models have. The
/// space is the piece that stands for one, which a text may not lack.
pub fn vocabulary() -> Vec<String> {
    let special = ["<unk>", "<s>", "</s>"].map(str::to_owned).into_iter();
    let bytes = (0..128).map(|byte| if byte == 0x20 { "▁".into() } else { format!("<0x{byte:02X}>") });
    let pairs = (0..61)
        .map(|pair: u8| format!("{}{}", char::from(b'b' + pair / 5), &"aeiou"[pair as usize % 5..][..1]));
    special.chain(bytes).chain(pairs).collect()
}

/// What a token is as text.
pub fn text(token: usize) -> String {
    match token {
        3..131 => char::from((token - 3) as u8).to_string(),
        _ => vocabulary()[token].clone(),
    }
}

/// A model's recipe, with what was worked out of it elsewhere.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// That of its file.
    pub name: String,
    /// All of it.
    pub json: Value,
    /// Written beside what the recipe says.
    pub template: Option<String>,
    /// A token that is another text than in the models' vocabulary.
    pub renamed: Option<(usize, String)>,
}

const ARCHITECTURES: &str = "architectures";

impl Recipe {
    /// Those of every architecture, by name.
    pub fn all() -> Vec<Recipe> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder(ARCHITECTURES)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| Self::named(path.file_stem().unwrap().to_str().unwrap())).collect()
    }

    /// One of a model that generates text.
    pub fn named(name: &str) -> Recipe {
        Self::of(ARCHITECTURES, name)
    }

    /// One of a model that ranks.
    pub fn ranker(name: &str) -> Recipe {
        Self::of("rerankers", name)
    }

    fn of(kind: &str, name: &str) -> Recipe {
        let json = std::fs::read_to_string(folder(kind).join(format!("{name}.json"))).unwrap();
        Recipe {
            name: name.into(),
            json: serde_json::from_str(&json).unwrap(),
            template: None,
            renamed: None,
        }
    }

    /// The tokens that the steps go on from.
    pub fn prompt(&self) -> &Value {
        &self.json["prompt"]
    }

    /// At each step of the answer, the likeliest tokens with the logarithms of their probabilities.
    pub fn steps(&self) -> Vec<Vec<(usize, f64)>> {
        serde_json::from_value(self.json["steps"].clone()).unwrap()
    }

    /// Writes the GGUF file.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.head().finish(&self.tensors())).unwrap();
    }

    /// Writes it as several files, by the names that llama.cpp gives them; the first one's path comes back.
    pub fn write_split(&self, folder: &Path, count: u16) -> PathBuf {
        let tensors = self.tensors();
        let size = tensors.len().div_ceil(usize::from(count));
        let path = |place: u16| folder.join(format!("{}-{:05}-of-{count:05}.gguf", self.name, place + 1));
        for (place, part) in (0..).zip(tensors.chunks(size)) {
            let mut file = if place == 0 { self.head() } else { Gguf::default() };
            file.short("split.no", place);
            file.short("split.count", count);
            file.whole("split.tensors.count", tensors.len() as i32);
            std::fs::write(path(place), file.finish(part)).unwrap();
        }
        path(0)
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.json["tensors"].as_array().unwrap().iter().map(Tensor::read).collect()
    }

    fn head(&self) -> Gguf {
        let mut file = Gguf::default();
        for (key, entry) in self.json["metadata"].as_object().unwrap() {
            file.value(key, entry[0].as_str().unwrap(), &entry[1]);
        }
        let mut tokens = vocabulary();
        if let Some((token, text)) = &self.renamed {
            tokens[*token].clone_from(text);
        }
        let tokenizer = self.json["tokenizer"].as_str().unwrap_or("llama");
        file.text("tokenizer.ggml.model", tokenizer);
        file.texts("tokenizer.ggml.tokens", &tokens);
        let kinds = tokens.iter().enumerate().map(|(id, _)| match id {
            0 => 2i32,
            1 | 2 => 3,
            3..131 if tokens[id] != "▁" => 6,
            _ => 1,
        });
        file.array("tokenizer.ggml.token_type", 5, kinds.map(i32::to_le_bytes));
        file.array("tokenizer.ggml.scores", 6, (0..tokens.len()).map(|id| (-(id as f32)).to_le_bytes()));
        for (key, token) in [("unknown", 0u32), ("bos", 1), ("eos", 2), ("padding", 0)] {
            file.number(&format!("tokenizer.ggml.{key}_token_id"), token);
        }
        // What the vocabularies of their kinds say.
        let adds: &[(&str, bool)] = match self.name.as_str() {
            "t5" => &[("bos", false), ("eos", true)],
            "bge-reranker" if self.json["unsaid_sep"] == true => &[("bos", true), ("eos", true)],
            "bge-reranker" => &[("bos", true), ("eos", true), ("sep", true)],
            "qwen3-reranker" => &[("bos", false)],
            _ => &[],
        };
        adds.iter().for_each(|(what, add)| file.flag(&format!("tokenizer.ggml.add_{what}_token"), *add));
        file.number("tokenizer.ggml.seperator_token_id", 2);
        file.number("tokenizer.ggml.token_type_count", 1);
        if let Some(template) = self.json["rerank_template"].as_str() {
            file.text("tokenizer.chat_template.rerank", template);
        }
        if let Some(template) = &self.template {
            file.text("tokenizer.chat_template", template);
        }
        file
    }
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../antiphon-engine/tests/files").join(kind)
}

/// `count` numbers around `offset`, at most `scale` away: splitmix64, begun with the FNV-1a hash of the name.
pub fn draw(name: &str, count: usize, scale: f32, offset: f32) -> Vec<f32> {
    let hash = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next() * scale + offset).collect()
}

/// Numbers with their shape, the fastest dimension first.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// By what name the file has it.
    pub name: String,
    /// How long it is in each dimension.
    pub shape: Vec<u64>,
    /// All of them.
    pub numbers: Vec<f32>,
}

impl Tensor {
    fn read(row: &Value) -> Tensor {
        let name = row["name"].as_str().unwrap().to_owned();
        let shape: Vec<u64> = serde_json::from_value(row["shape"].clone()).unwrap();
        let number = |field: &str| row[field].as_f64().unwrap() as f32;
        let numbers = match &row["values"] {
            Value::Null => {
                // Another name draws other numbers.
                let drawn = row["drawn_as"].as_str().unwrap_or(&name);
                draw(drawn, shape.iter().product::<u64>() as usize, number("scale"), number("offset"))
            }
            values => serde_json::from_value(values.clone()).unwrap(),
        };
        Tensor { name, shape, numbers }
    }
}

/// A GGUF file in the making.
#[derive(Debug, Default)]
pub struct Gguf {
    values: Vec<u8>,
    count: u64,
}

impl Gguf {
    fn string(&mut self, text: &str) {
        self.values.extend((text.len() as u64).to_le_bytes());
        self.values.extend(text.as_bytes());
    }

    fn key(&mut self, key: &str, kind: u32) {
        self.string(key);
        self.values.extend(kind.to_le_bytes());
        self.count += 1;
    }

    /// Adds a text.
    pub fn text(&mut self, key: &str, text: &str) {
        self.key(key, 8);
        self.string(text);
    }

    /// Adds a list of texts.
    pub fn texts(&mut self, key: &str, texts: &[impl AsRef<str>]) {
        self.key(key, 9);
        self.values.extend(8u32.to_le_bytes());
        self.values.extend((texts.len() as u64).to_le_bytes());
        texts.iter().for_each(|text| self.string(text.as_ref()));
    }

    /// Adds a whole number.
    pub fn number(&mut self, key: &str, number: u32) {
        self.key(key, 4);
        self.values.extend(number.to_le_bytes());
    }

    fn short(&mut self, key: &str, number: u16) {
        self.key(key, 2);
        self.values.extend(number.to_le_bytes());
    }

    fn whole(&mut self, key: &str, number: i32) {
        self.key(key, 5);
        self.values.extend(number.to_le_bytes());
    }

    /// Adds a number.
    pub fn float(&mut self, key: &str, number: f32) {
        self.key(key, 6);
        self.values.extend(number.to_le_bytes());
    }

    /// Adds a yes or no.
    pub fn flag(&mut self, key: &str, flag: bool) {
        self.key(key, 7);
        self.values.push(flag.into());
    }

    /// Adds a list of numbers of four bytes each.
    pub fn array(&mut self, key: &str, kind: u32, numbers: impl ExactSizeIterator<Item = [u8; 4]>) {
        self.key(key, 9);
        self.values.extend(kind.to_le_bytes());
        self.values.extend((numbers.len() as u64).to_le_bytes());
        self.values.extend(numbers.flatten());
    }

    fn value(&mut self, key: &str, kind: &str, value: &Value) {
        let float = |value: &Value| value.as_f64().unwrap() as f32;
        let whole = |value: &Value| value.as_i64().unwrap() as i32;
        let list = || value.as_array().unwrap().iter();
        match kind {
            "string" => self.text(key, value.as_str().unwrap()),
            "uint32" => self.number(key, whole(value).cast_unsigned()),
            "float32" => self.float(key, float(value)),
            "bool" => self.flag(key, value.as_bool().unwrap()),
            "[int32]" => self.array(key, 5, list().map(|value| whole(value).to_le_bytes())),
            "[uint32]" => self.array(key, 4, list().map(|value| whole(value).to_le_bytes())),
            "[float32]" => self.array(key, 6, list().map(|value| float(value).to_le_bytes())),
            "[string]" => {
                let texts: Vec<&str> = list().map(|value| value.as_str().unwrap()).collect();
                self.texts(key, &texts);
            }
            "[bool]" => {
                self.key(key, 9);
                self.values.extend(7u32.to_le_bytes());
                self.values.extend((list().len() as u64).to_le_bytes());
                self.values.extend(list().map(|value| u8::from(value.as_bool().unwrap())));
            }
            kind => panic!("{key} is of the kind {kind}"),
        }
    }

    /// The bytes of the file, with these tensors.
    pub fn finish(mut self, tensors: &[Tensor]) -> Vec<u8> {
        let mut data: Vec<u8> = Vec::new();
        for tensor in tensors {
            self.string(&tensor.name);
            self.values.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor.shape.iter().for_each(|size| self.values.extend(size.to_le_bytes()));
            self.values.extend(0u32.to_le_bytes());
            self.values.extend((data.len() as u64).to_le_bytes());
            data.extend(tensor.numbers.iter().flat_map(|number| number.to_le_bytes()));
            data.resize(data.len().next_multiple_of(32), 0);
        }
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend((tensors.len() as u64).to_le_bytes());
        file.extend(self.count.to_le_bytes());
        file.extend(self.values);
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(data);
        file
    }
}
