"""The oracle of the template tests: Jinja in the set-up that transformers uses, with a fixed clock.

Needs transformers 5.23.0 and jinja2 3.1.6. The environment is transformers' own, taken from its module, so that its
extensions, filters and globals are the real ones."""

import copy
import datetime
import functools

import jinja2
from transformers.utils.chat_template_utils import _compile_jinja_template

NOW = datetime.datetime(2024, 7, 25, 10, 0, 0)


class Oracle:
    """One environment for many templates."""

    def __init__(self):
        self.environment = _compile_jinja_template("").environment
        self.environment.globals["strftime_now"] = lambda format: NOW.strftime(format)

    def render(self, source, variables):
        """("text", text), ("refused", words) for raise_exception(), or ("error", why)."""
        try:
            # a copy, because "list|indent" adds to the list in place before it fails
            text = self.environment.from_string(source).render(**copy.deepcopy(variables))
            text.encode("utf-8")
            return "text", text
        except jinja2.exceptions.TemplateSyntaxError as e:
            return "error", f"{type(e).__name__}: {e}"
        except jinja2.exceptions.TemplateError as e:
            if type(e) is jinja2.exceptions.TemplateError:
                return "refused", str(e)
            return "error", f"{type(e).__name__}: {e}"
        except TimeoutError:
            raise
        except Exception as e:  # noqa: BLE001 - whatever Python says, a template that fails is an error
            return "error", f"{type(e).__name__}: {e}"


@functools.cache
def the_oracle():
    return Oracle()


def render(source, variables):
    return the_oracle().render(source, variables)


def shows_address(text):
    """Addresses of objects differ from run to run, so texts that show one cannot be compared."""
    return any(mark in text for mark in (" at 0x", "object>", "<built-in", "<function", "<bound", "<class", "TemplateDict"))
