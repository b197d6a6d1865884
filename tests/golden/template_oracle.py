"""The oracle of the template tests: Jinja in the set-up that transformers uses, with a fixed clock.

Needs transformers 5.23.0 and jinja2 3.1.6. The environment is transformers' own, taken from its module, so that its
extensions, filters and globals are the real ones."""

import datetime

import jinja2
from transformers.utils.chat_template_utils import _compile_jinja_template

NOW = datetime.datetime(2024, 7, 25, 10, 0, 0)


def render(source, variables):
    """("text", text), ("refused", words) for raise_exception(), or ("error", why)."""
    try:
        template = _compile_jinja_template(source)
        template.environment.globals["strftime_now"] = lambda format: NOW.strftime(format)
        template.globals["strftime_now"] = lambda format: NOW.strftime(format)
        text = template.render(**variables)
        text.encode("utf-8")
        return "text", text
    except jinja2.exceptions.TemplateSyntaxError as e:
        return "error", f"{type(e).__name__}: {e}"
    except jinja2.exceptions.TemplateError as e:
        if type(e) is jinja2.exceptions.TemplateError:
            return "refused", str(e)
        return "error", f"{type(e).__name__}: {e}"
    except Exception as e:  # noqa: BLE001 - whatever Python says, a template that fails is an error
        return "error", f"{type(e).__name__}: {e}"
