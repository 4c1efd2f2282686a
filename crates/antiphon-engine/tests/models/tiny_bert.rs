//! A BERT of one layer with random weights: written as a GGUF file, and worked out a second time in the plainest
//! way there is, so that what llama.cpp makes of the file can be compared with something.

use std::path::Path;

use antiphon_testkit::random_gguf::{self, Gguf};

pub(crate) const VOCABULARY: &[&str] =
    &["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁the", "▁cat", "▁dog", "▁sat", "▁on", "▁mat", "s"];
pub(crate) const CLS: u32 = 2;
pub(crate) const SEP: u32 = 3;
pub(crate) const WIDTH: usize = 32;
pub(crate) const CONTEXT: usize = 24;
const HIDDEN: usize = 64;
const HEADS: usize = 2;
const EPSILON: f64 = 1e-12;

/// How a text's vectors become one, as the file names it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Pooling {
    Mean = 1,
    Cls = 2,
    Last = 3,
    Rank = 4,
}

/// Rows of numbers: a matrix that maps `columns` numbers to as many as there are rows.
struct Tensor {
    name: &'static str,
    columns: usize,
    rows: Option<usize>,
    numbers: Vec<f32>,
}

impl Tensor {
    fn for_file(&self) -> random_gguf::Tensor {
        let shape = [self.columns].into_iter().chain(self.rows).map(|size| size as u64).collect();
        random_gguf::Tensor { name: self.name.to_owned(), shape, numbers: self.numbers.clone() }
    }
}

pub(crate) struct TinyBert {
    tensors: Vec<Tensor>,
}

impl TinyBert {
    pub(crate) fn new() -> Self {
        let mut state = 7u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let mut tensor = |name, columns: usize, rows: Option<usize>| Tensor {
            name,
            columns,
            rows,
            numbers: (0..columns * rows.unwrap_or(1)).map(|_| random()).collect(),
        };
        let tensors = vec![
            tensor("token_embd.weight", WIDTH, Some(VOCABULARY.len())),
            tensor("token_types.weight", WIDTH, Some(2)),
            tensor("position_embd.weight", WIDTH, Some(CONTEXT)),
            tensor("token_embd_norm.weight", WIDTH, None),
            tensor("token_embd_norm.bias", WIDTH, None),
            tensor("blk.0.attn_q.weight", WIDTH, Some(WIDTH)),
            tensor("blk.0.attn_q.bias", WIDTH, None),
            tensor("blk.0.attn_k.weight", WIDTH, Some(WIDTH)),
            tensor("blk.0.attn_k.bias", WIDTH, None),
            tensor("blk.0.attn_v.weight", WIDTH, Some(WIDTH)),
            tensor("blk.0.attn_v.bias", WIDTH, None),
            tensor("blk.0.attn_output.weight", WIDTH, Some(WIDTH)),
            tensor("blk.0.attn_output.bias", WIDTH, None),
            tensor("blk.0.attn_output_norm.weight", WIDTH, None),
            tensor("blk.0.attn_output_norm.bias", WIDTH, None),
            tensor("blk.0.ffn_up.weight", WIDTH, Some(HIDDEN)),
            tensor("blk.0.ffn_up.bias", HIDDEN, None),
            tensor("blk.0.ffn_down.weight", HIDDEN, Some(WIDTH)),
            tensor("blk.0.ffn_down.bias", WIDTH, None),
            tensor("blk.0.layer_output_norm.weight", WIDTH, None),
            tensor("blk.0.layer_output_norm.bias", WIDTH, None),
        ];
        Self { tensors }
    }

    fn get(&self, name: &str) -> &Tensor {
        self.tensors.iter().find(|tensor| tensor.name == name).unwrap()
    }

    fn row(&self, name: &str, row: usize) -> Vec<f64> {
        let tensor = self.get(name);
        let numbers = &tensor.numbers[row * tensor.columns..][..tensor.columns];
        numbers.iter().map(|number| f64::from(*number)).collect()
    }

    /// `name.weight` times the vector, plus `name.bias`.
    fn linear(&self, name: &str, vector: &[f64]) -> Vec<f64> {
        let weight = format!("{name}.weight");
        let bias = self.row(&format!("{name}.bias"), 0);
        (0..bias.len()).map(|row| dot(&self.row(&weight, row), vector) + bias[row]).collect()
    }

    fn norm(&self, name: &str, vector: &[f64]) -> Vec<f64> {
        let (weight, bias) = (self.row(&format!("{name}.weight"), 0), self.row(&format!("{name}.bias"), 0));
        let mean = vector.iter().sum::<f64>() / vector.len() as f64;
        let variance = vector.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / vector.len() as f64;
        let scale = 1.0 / (variance + EPSILON).sqrt();
        vector.iter().zip(weight.iter().zip(&bias)).map(|(x, (w, b))| (x - mean) * scale * w + b).collect()
    }

    /// The vector of tokens, of length 1.
    pub(crate) fn vector(&self, tokens: &[u32], pooling: Pooling) -> Vec<f64> {
        let types = self.row("token_types.weight", 0);
        let inputs: Vec<Vec<f64>> = tokens
            .iter()
            .enumerate()
            .map(|(place, token)| {
                let token = self.row("token_embd.weight", *token as usize);
                let place = self.row("position_embd.weight", place);
                self.norm("token_embd_norm", &add(&add(&token, &types), &place))
            })
            .collect();
        let of = |name: &str| inputs.iter().map(|x| self.linear(name, x)).collect::<Vec<_>>();
        let (queries, keys, values) = (of("blk.0.attn_q"), of("blk.0.attn_k"), of("blk.0.attn_v"));
        let outputs = inputs.iter().zip(&queries).map(|(input, query)| {
            let mut attended = vec![0.0; WIDTH];
            for head in 0..HEADS {
                let part = head * WIDTH / HEADS..(head + 1) * WIDTH / HEADS;
                let score = |key: &Vec<f64>| {
                    dot(&query[part.clone()], &key[part.clone()]) / ((WIDTH / HEADS) as f64).sqrt()
                };
                let weights: Vec<f64> = keys.iter().map(|key| score(key).exp()).collect();
                let total: f64 = weights.iter().sum();
                for (value, weight) in values.iter().zip(weights) {
                    for at in part.clone() {
                        attended[at] += value[at] * weight / total;
                    }
                }
            }
            let attended = add(&self.linear("blk.0.attn_output", &attended), input);
            let attended = self.norm("blk.0.attn_output_norm", &attended);
            let hidden: Vec<f64> = self.linear("blk.0.ffn_up", &attended).into_iter().map(gelu).collect();
            self.norm("blk.0.layer_output_norm", &add(&self.linear("blk.0.ffn_down", &hidden), &attended))
        });
        let outputs: Vec<Vec<f64>> = outputs.collect();
        let pooled = match pooling {
            Pooling::Cls => outputs[0].clone(),
            Pooling::Last => outputs[outputs.len() - 1].clone(),
            Pooling::Rank => unreachable!("a rank is no vector"),
            Pooling::Mean => outputs.iter().fold(vec![0.0; WIDTH], |sum, output| add(&sum, output)),
        };
        let length = dot(&pooled, &pooled).sqrt();
        pooled.iter().map(|x| x / length).collect()
    }

    /// Writes it as a GGUF file.
    pub(crate) fn write(&self, path: &Path, pooling: Pooling) {
        let mut file = Gguf::default();
        file.text("general.architecture", "bert");
        for (key, number) in [
            ("bert.context_length", CONTEXT),
            ("bert.embedding_length", WIDTH),
            ("bert.feed_forward_length", HIDDEN),
            ("bert.block_count", 1),
            ("bert.attention.head_count", HEADS),
            ("bert.pooling_type", pooling as usize),
            ("tokenizer.ggml.token_type_count", 2),
            ("tokenizer.ggml.padding_token_id", 0),
            ("tokenizer.ggml.unknown_token_id", 1),
            ("tokenizer.ggml.bos_token_id", CLS as usize),
            ("tokenizer.ggml.cls_token_id", CLS as usize),
            ("tokenizer.ggml.seperator_token_id", SEP as usize),
            ("tokenizer.ggml.mask_token_id", 4),
        ] {
            file.number(key, number as u32);
        }
        file.float("bert.attention.layer_norm_epsilon", EPSILON as f32);
        file.flag("bert.attention.causal", false);
        file.text("tokenizer.ggml.model", "bert");
        file.texts("tokenizer.ggml.tokens", VOCABULARY);
        let kinds = VOCABULARY.iter().map(|token| if token.starts_with('[') { 3i32 } else { 1 });
        file.array("tokenizer.ggml.token_type", 5, kinds.map(i32::to_le_bytes));
        let tensors: Vec<_> = self.tensors.iter().map(Tensor::for_file).collect();
        std::fs::write(path, file.finish(&tensors)).unwrap();
    }
}

fn add(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left + right).collect()
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}
