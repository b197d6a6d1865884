"""tiny_chat.py - a tiny model with a chat template: with_template(), and `tiny_chat.py OUT` writes tests/golden/tiny's
llama-linear with one."""
import pathlib, struct, sys

TEMPLATE = b"{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}\n{% endfor %}{% if add_generation_prompt %}> {% endif %}"


def with_template(data, template=TEMPLATE):
    """The bytes of a GGUF file and a chat template: one more key, before the others, of so many bytes that tensors stay
    aligned."""
    magic, version, n_tensors, n_keys = struct.unpack("<4sIQQ", data[:24])
    name = b"tokenizer.chat_template"
    n = 8 + len(name) + 4 + 8 + len(template)
    text = template + b"{#" + b" " * (-(n + 4) % 32) + b"#}"
    key = struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(text)) + text
    return struct.pack("<4sIQQ", magic, version, n_tensors, n_keys + 1) + key + data[24:]


if __name__ == "__main__":
    tiny = pathlib.Path(__file__).parent.parent / "golden/tiny/llama-linear.gguf"
    pathlib.Path(sys.argv[1]).write_bytes(with_template(tiny.read_bytes()))
