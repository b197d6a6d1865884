"""A chat with `sumi serve` through OpenAI's own package:  pip install openai;  python examples/openai_chat.py [URL [MODEL]]"""
import sys

from openai import OpenAI

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
model = sys.argv[2] if len(sys.argv) > 2 else "smollm2"
client = OpenAI(base_url=url + "/v1", api_key="none")  # the key, if the server has --api-key-file

stream = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "What is the capital of France?"}],
                                        temperature=0, max_tokens=32, stream=True)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
