// The look-up: an ARIA combobox whose list comes from the server (`src`). What is chosen goes to the hidden input, its text
// to the visible one and to the `was` input, by which the server tells a choice from something typed afterwards.
const DELAY = 120; // milliseconds without a key before asking

class ComboBox extends HTMLElement {
  connectedCallback() {
    if (this.input) return;
    this.input = this.querySelector("[role=combobox]");
    this.list = this.querySelector("[role=listbox]");
    this.value = this.querySelector("input[data-value]");
    this.was = this.querySelector("input[data-was]");
    this.goes = this.hasAttribute("data-go"); // a palette: choosing opens a page
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("focus", () => { if (this.goes) this.ask(); });
    this.input.addEventListener("click", () => { if (!this.goes && this.list.hidden) this.ask(); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.left());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the focus stays in the input
      const option = event.target.closest("[data-value]");
      if (option) this.pick(option);
    });
  }

  typed() {
    if (this.value && this.value.value) { this.value.value = ""; this.was.value = ""; this.changed(); }
    this.ask();
  }

  ask() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.timer = setTimeout(async () => {
      this.request = new AbortController();
      // A click on a field that holds a choice shows all, not just that choice.
      const text = this.was && this.input.value === this.was.value ? "" : this.input.value;
      const join = this.getAttribute("src").includes("?") ? "&" : "?";
      try {
        const answer = await fetch(`${this.getAttribute("src")}${join}q=${encodeURIComponent(text)}`, { signal: this.request.signal });
        if (!answer.ok) throw new Error(`${answer.status} from ${answer.url}`);
        const { options, none } = await answer.json();
        if (document.activeElement === this.input) this.show(options, none);
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    }, DELAY);
  }

  show(options, none) {
    this.list.replaceChildren(...options.map((option, at) => this.option(option, at)));
    if (!options.length) {
      const empty = document.createElement("li");
      empty.setAttribute("role", "option");
      empty.setAttribute("aria-disabled", "true");
      empty.setAttribute("aria-selected", "false");
      empty.textContent = none;
      this.list.append(empty);
    }
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(this.list.querySelector("[data-value]"));
  }

  option({ value, text, note }, at) {
    const item = document.createElement("li"), words = document.createElement("span");
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.id = `${this.list.id}-${at}`;
    item.dataset.value = value;
    item.dataset.text = text;
    words.textContent = text;
    item.append(words);
    if (note) { const small = document.createElement("small"); small.textContent = note; item.append(small); }
    return item;
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.list.hidden = true;
    this.list.replaceChildren();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  get current() { return this.list.querySelector("[aria-selected=true]"); }

  mark(option) {
    this.current?.setAttribute("aria-selected", "false");
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    this.input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  pick(option) {
    if (this.goes) { location.href = option.dataset.value; return; }
    const { text, value } = option.dataset;
    this.input.value = this.was.value = text;
    this.value.value = value;
    this.close();
    this.changed();
  }

  changed() {
    this.input.removeAttribute("aria-invalid");
    this.value.dispatchEvent(new Event("change", { bubbles: true }));
  }

  left() {
    setTimeout(() => { if (document.activeElement !== this.input) this.close(); }, 150); // a click in the list comes first
  }

  key(event) {
    if (event.isComposing) return; // an input method is choosing characters
    const options = [...this.list.querySelectorAll("[data-value]")], at = options.indexOf(this.current);
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !event.altKey) {
      event.preventDefault();
      if (this.list.hidden) this.ask();
      else this.mark(options[(at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length]);
    } else if (event.key === "Enter" && !event.ctrlKey && !this.list.hidden && this.current) {
      event.preventDefault();
      event.stopPropagation();
      this.pick(this.current);
    } else if (event.key === "Tab" && !this.list.hidden && this.current && this.value && this.input.value && !this.value.value) {
      this.pick(this.current);
    } else if (event.key === "Escape" && !this.list.hidden && !this.goes) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }
}
customElements.define("combo-box", ComboBox);
