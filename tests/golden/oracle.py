"""oracle.py - what the makers of golden files share: a model and its vocabulary, read from a GGUF file by others' code.

The forward pass is that of `transformers` in float32, which reads GGUF itself (it dequantises with the `gguf` package
and undoes what the conversion to GGUF changed: llama's permuted rows of Q and K, the 1 added to Gemma's norm weights).
Text becomes ids through `tokenizers` (byte-level BPE) or `sentencepiece`, built from the vocabulary in the file.
Needs: pip install torch transformers accelerate tokenizers sentencepiece protobuf gguf numpy
"""
import os
import platform
import re
from importlib.metadata import version

import torch
from gguf import GGUFReader
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM

CONTROL, USER_DEFINED = 3, 4     # types of special tokens in tokenizer.ggml.token_type


def read_metadata(path):
    return {key: field.contents() for key, field in GGUFReader(path).fields.items()}


def load_model(path):
    return AutoModelForCausalLM.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path),
                                                dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def log_probs(model, ids):
    """log P(next token) after each of ids: float64 [n_ids, n_vocab], from float32 logits."""
    return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1).numpy()


def byte_level_encoder(meta):
    """What GGUF calls model "gpt2" with pre-tokenizer "smollm"."""
    tokens, types = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    merges = [tuple(m.split(" ")) for m in meta["tokenizer.ggml.merges"]]
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tok.add_special_tokens([AddedToken(t, special=True) for t, kind in zip(tokens, types) if kind == CONTROL])
    return lambda text: tok.encode(text, add_special_tokens=False).ids


def sentencepiece_encoder(meta):
    """What GGUF calls model "llama", without a space added in front."""
    tokens, types = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    proto = sentencepiece_model_pb2.ModelProto()
    for t, score, kind in zip(tokens, meta["tokenizer.ggml.scores"], types):
        # Converters write the runs of spaces among Gemma's user-defined pieces as spaces, sentencepiece wants its own.
        proto.pieces.add(piece=t.replace(" ", "\u2581") if kind == USER_DEFINED else t, score=score, type=kind)
    proto.trainer_spec.model_type = proto.trainer_spec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.vocab_size = len(tokens)
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = False
    proto.normalizer_spec.remove_extra_whitespaces = False
    pieces = SentencePieceProcessor(model_proto=proto.SerializeToString())
    special = {t: i for i, (t, kind) in enumerate(zip(tokens, types)) if kind == CONTROL}
    split = re.compile("(" + "|".join(re.escape(t) for t in sorted(special, key=len, reverse=True)) + ")")

    def encode(text):
        ids = []
        for part in split.split(text):
            ids += [special[part]] if part in special else pieces.encode(part)
        return ids
    return encode


def make_encoder(meta):
    """A function from text, in which special tokens may be spelled, to ids; without BOS."""
    kinds = {"gpt2": byte_level_encoder, "llama": sentencepiece_encoder}
    return kinds[meta["tokenizer.ggml.model"]](meta)


def bos_ids(meta):
    """What comes before a text: [BOS], or nothing if the file does not ask for it."""
    return [meta["tokenizer.ggml.bos_token_id"]] if meta.get("tokenizer.ggml.add_bos_token") else []


def versions():
    packages = ("torch", "transformers", "tokenizers", "sentencepiece", "gguf", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
