"""A chat with `sumi serve` through Anthropic's own package:  pip install anthropic;  python examples/anthropic_chat.py [URL
[MODEL]]"""
import sys

from anthropic import Anthropic

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
model = sys.argv[2] if len(sys.argv) > 2 else "smollm2"
client = Anthropic(base_url=url, api_key="none")  # the key, if the server has --api-key-file

with client.messages.stream(model=model, max_tokens=32, extra_body={"temperature": 0},
                            messages=[{"role": "user", "content": "What is the capital of France?"}]) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
print()
