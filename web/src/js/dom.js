// Elements without markup in strings: nothing that a visitor or a server says can become code.

/**
 * An element: `h("p.hint#id", { hidden: true, onclick }, "text", child)`.
 * Properties are set as attributes, `on...` as listeners; null children are left out.
 */
export function h(selector, attributes = {}, ...children) {
  const [tag, ...marks] = selector.split(/(?=[.#])/);
  const element = document.createElement(tag);
  for (const mark of marks) {
    if (mark.startsWith("#")) element.id = mark.slice(1);
    else element.classList.add(mark.slice(1));
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Replace what is in an element, and give the element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Show one screen, with the focus at its start for those who hear the page. */
export function show(screen, heading) {
  const main = document.getElementById("main");
  fill(main, screen);
  document.title = heading ? `${heading} · nst-art` : "nst-art";
  main.focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

/** A notice: a title and a sentence. */
export function notice(kind, [title, sentence]) {
  return h(`section.notice.${kind}`, { role: "status" }, h("h2", {}, title), h("p", {}, sentence));
}
