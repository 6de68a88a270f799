/** Icons of the states. Each has a shape of its own: colour only helps. */

const SHAPES: Record<string, string> = {
  Uninitialized: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm0 1.6a3.9 3.9 0 1 1 0 7.8 3.9 3.9 0 0 1 0-7.8Z",
  Started: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Z",
  Stopped: "M3.5 3.5h9v9h-9Z",
  Paused: "M4 3h3v10H4Zm5 0h3v10H9Z",
  Mark: "M4 2h1.5v.8H13l-2 3 2 3H5.5V14H4Z",
  Unmark: "M4 2h1.5v1H13l-2 3 2 3H5.5V14H4Zm1.5 2.3v3.4h5l-1.1-1.7 1.1-1.7Z",
  Save: "M6.4 12.6 2.3 8.5l1.2-1.2 2.9 2.9 6.1-6.1 1.2 1.2Z",
  Delete: "M4.2 3 8 6.8 11.8 3 13 4.2 9.2 8l3.8 3.8-1.2 1.2L8 9.2 4.2 13 3 11.8 6.8 8 3 4.2Z",
  None: "M4 7.2h8v1.6H4Z",
};

const SVG = "http://www.w3.org/2000/svg";

/** The icon of a state. It says nothing to a screen reader: the state's name stands beside it. */
export function icon(state: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[state] ?? SHAPES["None"] ?? "");
  svg.append(path);
  return svg;
}
