// Progressive enhancement only: every page does its work without this file.
"use strict";

// Choosing a date shows it at once.
for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// Live counts while a filter is being built.
const builder = document.querySelector("form[data-count]");
if (builder) {
  const shown = builder.querySelector("output");
  let wait, running;
  const count = async () => {
    running?.abort();
    running = new AbortController();
    const fields = new URLSearchParams(new FormData(builder));
    for (const [name, value] of [...fields]) if (value === "") fields.delete(name, value);
    try {
      const answer = await fetch(`${builder.dataset.count}?${fields}`, { signal: running.signal });
      if (answer.ok) shown.textContent = (await answer.json()).words;
    } catch (error) {
      if (error.name !== "AbortError") shown.textContent = "";
    }
  };
  builder.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(count, 250);
  });
}

// Deleting asks first.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}
