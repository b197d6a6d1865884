"""clients_checks.py - other people's clients against `sumi serve`: each of them works by changing its base URL only.

usage: clients_checks.py SUMI MODEL [CLIENT...]     exit code 0: everything held. One line a check; without names all clients

Each client gets the same checks (common()): a chat and a stream, which say what the same request says over plain HTTP; a
history with calls of tools, on a model whose template has a place for them and on one that has none; a prompt that is too
long, another model, a wrong key and a field that cannot be done, each with the client's own class of exception; vectors.
What only one client has stands in its more()."""
import hashlib, json, logging, os, subprocess, sys, tempfile, warnings

# Nothing may be asked of the net but the server: prices of models, vocabularies, statistics.
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LANGCHAIN_TRACING_V2="false", DO_NOT_TRACK="1")

import anthropic, dspy, litellm, ollama, openai
from dspy.utils import exceptions as dspy_errors
from langchain_core.messages import convert_to_messages
from langchain_core.exceptions import ContextOverflowError
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from served import CHAT, MODEL, Server, check, finish

litellm.suppress_debug_info = True
logging.getLogger("dspy").setLevel(logging.ERROR)  # it warns of each answer that ends with max_tokens
warnings.filterwarnings("ignore", category=DeprecationWarning, module=__name__)  # of dspy: messages as dictionaries
N = 24  # tokens of an answer
WEATHER = "What is the weather in Paris?"
ASK = [{"role": "user", "content": "What is the capital of France?"}]
LATER = [*ASK, {"role": "assistant", "content": "Paris."}, {"role": "user", "content": "And the capital of Italy?"}]
LONG = [{"role": "user", "content": "word " * 3000}]
TOOLS = [{"role": "user", "content": WEATHER},
         {"role": "assistant", "content": None, "tool_calls": [
             {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}]},
         {"role": "tool", "tool_call_id": "call_a", "content": "21 degrees, no clouds"}]
NO_PLACE = "does not show tool calls"  # what the server says if the template cannot render TOOLS


def holds(who, what, get, is_right):
    """is_right() of what get() gives. An exception is a failure of this check alone."""
    try:
        right = is_right(seen := get())
    except Exception as e:
        right, seen = False, repr(e)
    if right:
        print(f"ok: {who}: {what}", flush=True)
    check(f"{who}: {what}", right, seen)


def refused(who, what, kind, status, words, call):
    """The call raises the client's own exception, with the status (where there is a field for it) and the server's words."""
    def get():
        try:
            return call()
        except Exception as e:
            return e

    holds(who, f"{what}: {kind.__name__}", get, lambda e: isinstance(e, kind) and words in str(e) and
          (getattr(e, "status_code", None) or status) == status)


# ---- The three APIs, over plain HTTP ----

class OpenAI:
    base, overflow = "/v1", "This model's maximum context length is"

    def plain(self, s, messages):
        body = s.ask("POST", CHAT, dict(model="smollm2", messages=messages, temperature=0, max_tokens=N))[1]
        return body["choices"][0]["message"]["content"]


class Ollama:
    base, overflow = "", "the input length exceeds the context length"

    def plain(self, s, messages):
        body = s.ask("POST", "/api/chat", dict(model="smollm2", messages=ollama_form(messages), stream=False,
                                               options={"temperature": 0, "num_predict": N}))[1]
        return body["message"]["content"]


class Anthropic:
    base, overflow = "", "prompt is too long"

    def plain(self, s, messages):
        body = s.ask("POST", "/v1/messages", dict(model="smollm2", messages=anthropic_form(messages), temperature=0,
                                                  max_tokens=N))[1]
        return body["content"][0]["text"]


def ollama_form(messages):
    """Arguments are objects there, and calls have no ids."""
    form = []
    for m in messages:
        m = {key: value for key, value in m.items() if key != "tool_call_id"}
        if "tool_calls" in m:
            functions = [call["function"] for call in m["tool_calls"]]
            m.update(content="", tool_calls=[{"function": {"name": f["name"], "arguments": json.loads(f["arguments"])}}
                                             for f in functions])
        form.append(m)
    return form


def anthropic_form(messages):
    form = []
    for m in messages:
        if "tool_calls" in m:
            m = {"role": "assistant", "content": [
                {"type": "tool_use", "id": c["id"], "name": c["function"]["name"],
                 "input": json.loads(c["function"]["arguments"])} for c in m["tool_calls"]]}
        elif m["role"] == "tool":
            m = {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": m["tool_call_id"], "content": m["content"]}]}
        form.append(m)
    return form


# ---- The clients ----

class Client:
    """What common() asks of a client. ask() gives a text, pieces() those of a stream, vector() an embedding. The server
    refuses `field`, which field_call() sets. Exceptions: `long` of a prompt that is too long, `missing` of a model that is
    not there, `locked` of a wrong key, `bad` of a bad request."""
    vector = None
    renders_tools = True

    def __init__(self, s, key="none"):
        self.s, self.key, self.url = s, key, s.url + self.base

    def more(self):
        pass


class OpenAIPackage(OpenAI, Client):
    name, field = "openai", "response_format"
    long = bad = openai.BadRequestError
    missing, locked = openai.NotFoundError, openai.AuthenticationError

    def create(self, messages, model="smollm2", **more):
        c = openai.OpenAI(base_url=self.url, api_key=self.key, max_retries=0)
        return c.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=N, **more)

    def ask(self, messages, **more):
        return self.create(messages, **more).choices[0].message.content

    def pieces(self, messages):
        return [k.choices[0].delta.content or "" for k in self.create(messages, stream=True) if k.choices]

    def field_call(self):
        return self.create(ASK, response_format={"type": "json_object"})

    def vector(self, text):
        c = openai.OpenAI(base_url=self.url, api_key=self.key, max_retries=0)
        return c.embeddings.create(model="smollm2", input=text).data[0].embedding

    def more(self):
        c = openai.OpenAI(base_url=self.url, api_key=self.key, max_retries=0)
        refused(self.name, "the code of a long prompt", openai.BadRequestError, 400, "'code': 'context_length_exceeded'",
                lambda: self.ask(LONG))
        holds(self.name, "responses", lambda: c.responses.create(model="smollm2", input=ASK, temperature=0,
              max_output_tokens=N), lambda got: got.output_text == self.ask(ASK))


class AnthropicPackage(Anthropic, Client):
    name, field = "anthropic", "thinking"
    long = bad = anthropic.BadRequestError
    missing, locked = anthropic.NotFoundError, anthropic.AuthenticationError

    def arguments(self, messages, model="smollm2", **more):
        return dict(model=model, messages=anthropic_form(messages), max_tokens=N, extra_body={"temperature": 0}, **more)

    def messages(self):
        return anthropic.Anthropic(base_url=self.url, api_key=self.key, max_retries=0).messages

    def ask(self, messages, **more):
        return self.messages().create(**self.arguments(messages, **more)).content[0].text

    def pieces(self, messages):
        with self.messages().stream(**self.arguments(messages)) as stream:
            return list(stream.text_stream)

    def field_call(self):
        return self.ask(ASK, thinking={"type": "enabled", "budget_tokens": 1024})


class OllamaPackage(Ollama, Client):
    name, field = "ollama", "format"
    long = missing = locked = bad = ollama.ResponseError

    def client(self):
        return ollama.Client(host=self.url, headers={"Authorization": "Bearer " + self.key})

    def chat(self, messages, model="smollm2", **more):
        return self.client().chat(model, ollama_form(messages), options={"temperature": 0, "num_predict": N}, **more)

    def ask(self, messages, **more):
        return self.chat(messages, **more).message.content

    def pieces(self, messages):
        return [k.message.content for k in self.chat(messages, stream=True)]

    def field_call(self):
        return self.chat(ASK, format="json")

    def vector(self, text):
        return self.client().embed("smollm2", text).embeddings[0]

    def more(self):
        c, name, options = self.client(), "smollm2:latest", {"temperature": 0, "num_predict": N}
        holds(self.name, "list", lambda: c.list().models, lambda got: [m.model for m in got] == [name] and
              got[0].details.quantization_level == "Q4_1")
        holds(self.name, "ps", lambda: c.ps().models, lambda got: [m.model for m in got] == [name] and
              got[0].context_length == 2048)
        holds(self.name, "show", lambda: c.show(name), lambda got: "completion" in got.capabilities and
              got.modelinfo["llama.embedding_length"] == 576)
        holds(self.name, "the listed name is one for a chat", lambda: self.ask(ASK, model=name), lambda got: "Paris" in got)
        holds(self.name, "pull of the model that is here", lambda: c.pull("smollm2"), lambda got: got.status == "success")
        holds(self.name, "it tells its progress", lambda: [p.status for p in c.pull(name, stream=True)],
              lambda got: len(got) > 1 and got[-1] == "success")
        refused(self.name, "pull of another one", ollama.ResponseError, 404, "llama3.2", lambda: c.pull("llama3.2"))
        holds(self.name, "generate", lambda: c.generate("smollm2", ASK[0]["content"], options=options).response,
              lambda got: got == self.ask(ASK))
        holds(self.name, "embeddings, the older call", lambda: c.embeddings("smollm2", "a text").embedding,
              lambda got: len(got) == 576)
        holds(self.name, "a long chat loses its oldest turns",
              lambda: self.ask([*LONG, {"role": "assistant", "content": "Well."}, *ASK]), lambda got: "Paris" in got)


class LangchainOpenAI(OpenAI, Client):
    name, field = "langchain-openai", "response_format"
    long, missing = ContextOverflowError, openai.NotFoundError
    locked, bad = openai.AuthenticationError, openai.BadRequestError

    def model(self, model="smollm2", **more):
        return ChatOpenAI(base_url=self.url, api_key=self.key, model=model, temperature=0, max_tokens=N, max_retries=0,
                          **more)

    def ask(self, messages, **more):
        return self.model(**more).invoke(convert_to_messages(messages)).text

    def pieces(self, messages):
        return [k.text for k in self.model().stream(convert_to_messages(messages))]

    def field_call(self):
        return self.model().bind(response_format={"type": "json_object"}).invoke(ASK)

    def vector(self, text):
        # Otherwise it sends ids of OpenAI's vocabulary instead of the text, whatever the model is.
        return OpenAIEmbeddings(base_url=self.url, api_key=self.key, model="smollm2",
                                check_embedding_ctx_length=False).embed_query(text)

    def more(self):
        holds(self.name, "responses", lambda: self.ask(ASK, use_responses_api=True), lambda got: got == self.ask(ASK))


class LangchainOllama(Ollama, Client):
    name, field = "langchain-ollama", "format"
    long = missing = locked = bad = ollama.ResponseError

    def model(self, model="smollm2", **more):
        return ChatOllama(base_url=self.url, model=model, temperature=0, num_predict=N,
                          client_kwargs={"headers": {"Authorization": "Bearer " + self.key}}, **more)

    def ask(self, messages, **more):
        return self.model(**more).invoke(convert_to_messages(messages)).text

    def pieces(self, messages):
        return [k.text for k in self.model().stream(convert_to_messages(messages))]

    def field_call(self):
        return self.model(format="json").invoke(ASK)

    def vector(self, text):
        return OllamaEmbeddings(base_url=self.url, model="smollm2").embed_query(text)

    def more(self):
        holds(self.name, "it finds the model in the list", lambda: self.ask(ASK, validate_model_on_init=True),
              lambda got: got == self.ask(ASK))


class LiteLLM(Client):
    """One class for each of its providers."""
    long, missing = litellm.ContextWindowExceededError, litellm.NotFoundError
    locked, bad = litellm.AuthenticationError, litellm.BadRequestError
    wrong = {"response_format": {"type": "json_object"}}

    @property
    def name(self):
        return f"litellm {self.provider}/"

    def completion(self, messages, model="smollm2", **more):
        return litellm.completion(model=f"{self.provider}/{model}", api_base=self.url, api_key=self.key, messages=messages,
                                  temperature=0, max_tokens=N, num_retries=0, **more)

    def ask(self, messages, **more):
        return self.completion(messages, **more).choices[0].message.content

    def pieces(self, messages):
        return [k.choices[0].delta.content or "" for k in self.completion(messages, stream=True)]

    def field_call(self):
        return self.completion(ASK, **self.wrong)

    def embedding(self, text):
        return litellm.embedding(model=f"{self.provider}/smollm2", api_base=self.url, api_key=self.key,
                                 input=[text]).data[0]["embedding"]


class LiteOpenAI(OpenAI, LiteLLM):
    provider, field, vector = "openai", "response_format", LiteLLM.embedding


class LiteOllamaChat(Ollama, LiteLLM):
    provider, field = "ollama_chat", "format"
    long = litellm.BadRequestError  # it has no other class for what Ollama refuses


class LiteOllama(Ollama, LiteLLM):
    """It asks /api/generate, and renders the messages itself."""
    provider, field, vector = "ollama", "format", LiteLLM.embedding
    long, renders_tools = litellm.BadRequestError, False

    def plain(self, s, messages):
        heads = {"user": "### User:\n", "assistant": "### Assistant:\n"}
        prompt = "".join(heads[m["role"]] + m["content"] + "\n\n" for m in messages)
        body = s.ask("POST", "/api/generate", dict(model="smollm2", prompt=prompt, stream=False,
                                                   options={"temperature": 0, "num_predict": N}))[1]
        return body["response"]


class LiteAnthropic(Anthropic, LiteLLM):
    """A history with calls gets a tool that it makes up, for Anthropic wants one; the server refuses to be offered tools."""
    provider, field, renders_tools = "anthropic", "thinking", False
    wrong = {"thinking": {"type": "enabled", "budget_tokens": 1024}}

    def more(self):
        refused(self.name, "a history with calls of tools", self.bad, 400, "tools", lambda: self.ask(TOOLS))


class Dspy(OpenAI, Client):
    name, field = "dspy", "response_format"
    long, missing = dspy_errors.ContextWindowExceededError, dspy_errors.LMUnsupportedModelError
    locked, bad = dspy_errors.LMAuthError, dspy_errors.LMInvalidRequestError

    def lm(self, model="smollm2", **more):
        return dspy.LM(f"openai/{model}", api_base=self.url, api_key=self.key, temperature=0, max_tokens=N, cache=False,
                       num_retries=0, **more)

    def ask(self, messages, **more):
        return self.lm(**more)(messages=messages)[0]

    pieces = None  # it streams the fields of programs, not answers: see more()

    def field_call(self):
        return self.lm(response_format={"type": "json_object"})(messages=ASK)

    def more(self):
        predict = dspy.Predict("question -> answer")
        predict.demos = [dspy.Example(question=f"What is the capital of {country}?",
                                      answer=f"The capital of {country} is {city}.")
                         for country, city in (("Italy", "Rome"), ("Spain", "Madrid"), ("Japan", "Tokyo"))]
        streams = dspy.streamify(predict, stream_listeners=[dspy.streaming.StreamListener("answer")], async_streaming=False)
        question = ASK[0]["content"]
        with dspy.context(lm=self.lm()):
            holds(self.name, "Predict", lambda: predict(question=question).answer, lambda got: "Paris" in got)
            holds(self.name, "its answer as a stream", lambda: list(streams(question=question)), lambda got: len(got) > 3 and
                  "".join(k.chunk for k in got[:-1]) == got[-1].answer == predict(question=question).answer)


class LlmError(Exception):
    pass


class Llm(OpenAI, Client):
    """The program `llm`, with the server in its extra-openai-models.yaml. It keeps histories itself, and a call of a tool is
    in them only after the tool was offered, which the server refuses."""
    name, field = "llm", "response_format"
    long = missing = locked = bad = LlmError
    folder = tempfile.TemporaryDirectory()

    def run(self, *arguments, model="smollm2"):
        models = [{"model_id": f"here-{name}", "model_name": name, "api_base": self.url, "api_key_name": "here"}
                  for name in ("smollm2", "other")]
        with open(os.path.join(self.folder.name, "extra-openai-models.yaml"), "w") as f:
            json.dump(models, f)  # JSON is YAML
        command = [sys.executable, "-m", "llm", "prompt", "-m", f"here-{model}", "--key", self.key, "-o", "temperature", "0",
                   "-o", "max_tokens", str(N), *arguments]
        r = subprocess.run(command, env={**os.environ, "LLM_USER_PATH": self.folder.name}, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=600)
        if r.returncode:
            raise LlmError(r.stderr)
        return r.stdout[:-1]

    def ask(self, messages, **more):
        for m in messages[:-1:2]:
            self.run("--no-stream", m["content"], **more)
        return self.run("--no-stream", *(["-c"] if len(messages) > 1 else []), messages[-1]["content"], **more)

    def plain(self, s, messages):
        if len(messages) == 1:
            return super().plain(s, messages)
        first = super().plain(s, messages[:1])
        return super().plain(s, [messages[0], {"role": "assistant", "content": first}, messages[2]])

    def pieces(self, messages):
        return [self.run(messages[0]["content"])]

    def field_call(self):
        return self.run("-o", "json_object", "1", ASK[0]["content"])

    renders_tools = False


CLIENTS = [OpenAIPackage, AnthropicPackage, OllamaPackage, LangchainOpenAI, LangchainOllama, LiteOpenAI, LiteOllamaChat,
           LiteOllama, LiteAnthropic, Dspy, Llm]


# ---- What each must do ----

def common(kind, servers):
    s, t, c = servers["plain"], servers["tools"], kind(servers["plain"])
    holds(c.name, "a chat is that of plain HTTP", lambda: c.ask(ASK), lambda got: "Paris" in got and got == c.plain(s, ASK))
    holds(c.name, "it is the same again", lambda: c.ask(ASK), lambda got: got == c.plain(s, ASK))
    if c.pieces:
        holds(c.name, "a stream adds up to the same", lambda: c.pieces(ASK),
              lambda got: "".join(got) == c.plain(s, ASK) and (len(got) > 3 or kind is Llm))
    holds(c.name, "a history is that of plain HTTP", lambda: c.ask(LATER), lambda got: got and got == c.plain(s, LATER))
    if c.renders_tools:
        holds(c.name, "a history with calls of tools", lambda: kind(t).ask(TOOLS),
              lambda got: got == c.plain(t, TOOLS) and got != c.plain(t, TOOLS[:1]))
        refused(c.name, "the same without a place in the template", c.bad, 400, NO_PLACE, lambda: c.ask(TOOLS))
    refused(c.name, "a prompt that is too long", c.long, 400, c.overflow, lambda: c.ask(LONG))
    refused(c.name, "another model", c.missing, 404, "other", lambda: c.ask(ASK, model="other"))
    refused(c.name, f"'{c.field}', which is not supported", c.bad, 400, c.field, c.field_call)
    refused(c.name, "a wrong key", c.locked, 401, "key", lambda: kind(servers["key"], "wrong").ask(ASK))
    holds(c.name, "the right key", lambda: kind(servers["key"], "secret").ask(ASK), lambda got: "Paris" in got)
    if c.vector:
        plain = s.ask("POST", "/v1/embeddings", {"input": "a text"})[1]["data"][0]["embedding"]
        holds(c.name, "a vector is that of plain HTTP", lambda: c.vector("a text"), lambda got: len(got) == len(plain) and
              all(abs(a - b) < 1e-5 for a, b in zip(got, plain)))
    c.more()


def tool_template():
    """One that renders all that a history says of tools, with the ids by which results belong to calls."""
    return ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}{% for c in m.tool_calls or [] %}"
            "<call {{ c.id }}>{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}"
            "{% if m.tool_call_id %} <of {{ m.tool_call_id }}>{% endif %}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def with_tools(folder):
    """The model, with another template in the place of its own: a comment makes it as long."""
    data, template = open(MODEL, "rb").read(), tool_template().encode()
    at = data.index(b"tokenizer.chat_template") + len("tokenizer.chat_template") + 4  # behind the value's type
    n = int.from_bytes(data[at:at + 8], "little")
    path = os.path.join(folder, "smollm2.gguf")
    with open(path, "wb") as f:
        f.write(data[:at + 8] + template + b"{#" + b" " * (n - len(template) - 4) + b"#}" + data[at + 8 + n:])
    return path


with tempfile.TemporaryDirectory() as folder:
    keys = os.path.join(folder, "keys")
    with open(keys, "w") as f:
        f.write(f"me {hashlib.sha256(b'secret').hexdigest()}\n")
    servers = {"plain": Server(), "tools": Server(model=with_tools(folder)), "key": Server("--api-key-file", keys)}
    for kind in CLIENTS:
        if not sys.argv[3:] or kind.name in sys.argv[3:] or getattr(kind, "provider", None) in sys.argv[3:]:
            common(kind, servers)
    for s in servers.values():
        s.end()
finish()
