// Looks at pages as a reader's browser lays them out, one after the other in a frame, and writes down what it sees.
"use strict";
function channel(v) { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); }
function luminance(c) { return 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]); }
function colour(text) { return (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number); }
function behind(window, element) {
  for (; element; element = element.parentElement) {
    var c = colour(window.getComputedStyle(element).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c;
  }
  return [255, 255, 255];
}
function contrast(window, element) {
  var style = window.getComputedStyle(element);
  var svg = element.namespaceURI.endsWith("svg");
  var a = luminance(colour(svg ? style.fill : style.color));
  var b = luminance(behind(window, svg ? element.ownerSVGElement.parentElement : element));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
function overlapping(texts) {
  var boxes = texts.map(function (t) { return t.getBBox(); }), found = [];
  boxes.forEach(function (a, i) {
    boxes.slice(i + 1).forEach(function (b, j) {
      // A pixel is the slack of a font's line height.
      if (a.x < b.x + b.width && b.x < a.x + a.width && a.y + 1 < b.y + b.height && b.y + 1 < a.y + a.height)
        found.push(texts[i].textContent + " / " + texts[i + 1 + j].textContent);
    });
  });
  return found;
}
function look(frame, scripts) {
  var window = frame.contentWindow, document = frame.contentDocument, root = document.documentElement;
  var all = Array.from(document.querySelectorAll("body *"));
  var seen = all.filter(function (e) {
    return !["SCRIPT", "TITLE", "title"].includes(e.tagName) && !e.closest("svg title")
      && Array.from(e.childNodes).some(function (n) { return n.nodeType === 3 && n.data.trim(); })
      && e.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  });
  var worst = seen.map(function (e) { return [contrast(window, e), e]; }).sort(function (a, b) { return a[0] - b[0]; })[0];
  var outside = all.filter(function (e) {
    var r = e.getBoundingClientRect();
    return r.width > 0 && !e.closest("svg") && (r.right > root.clientWidth + 1 || r.left < -1) && !e.closest(".raw pre");
  });
  var svgs = Array.from(document.querySelectorAll("svg"));
  return {
    overflow: root.scrollWidth - root.clientWidth,
    outside: outside.map(function (e) { return e.tagName + "." + e.className; }).slice(0, 5),
    contrast: worst[0],
    faintest: worst[1].tagName + "." + (worst[1].getAttribute("class") || "") + ": " + worst[1].textContent.slice(0, 40),
    background: window.getComputedStyle(document.body).backgroundColor,
    smallest: Math.min.apply(null, seen.map(function (e) {
      var px = parseFloat(window.getComputedStyle(e).fontSize), svg = e.ownerSVGElement;
      return svg ? px * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : px;
    })),
    pictures: svgs.length,
    beyond: svgs.flatMap(function (svg) {
      var box = svg.viewBox.baseVal;
      return Array.from(svg.querySelectorAll("text")).filter(function (t) {
        var b = t.getBBox();
        return b.x < -0.5 || b.x + b.width > box.width + 0.5 || b.y < -0.5 || b.y + b.height > box.height + 0.5;
      }).map(function (t) { return t.textContent; });
    }),
    overlaps: svgs.flatMap(function (svg) { return overlapping(Array.from(svg.querySelectorAll("text"))); }),
    blocks: document.querySelectorAll(".block").length,
    buttons: Array.from(document.querySelectorAll(".copy")).filter(function (b) { return b.checkVisibility(); }).length,
    fetched: window.performance.getEntriesByType("resource").length,
    tags: Array.from(new Set(Array.from(document.querySelectorAll("*")).map(function (e) { return e.localName; }))).sort(),
    attributes: Array.from(new Set(Array.from(document.querySelectorAll("*")).flatMap(function (e) { return e.getAttributeNames(); }))).sort(),
    links: Array.from(document.querySelectorAll("[href]")).map(function (e) { return e.getAttribute("href"); })
      .filter(function (to) { return !/^#/.test(to) || !document.getElementById(to.slice(1)); }),
    text: document.querySelector("main").innerText
  };
}
async function main() {
  var results = [];
  for (var page of PAGES) {
    var frame = document.createElement("iframe");
    frame.style.cssText = "border:0;width:" + page.width + "px;height:900px";
    if (!page.scripts) frame.setAttribute("sandbox", "allow-same-origin");
    frame.src = page.file;
    await new Promise(function (done) { frame.onload = done; document.body.appendChild(frame); });
    var result = look(frame);
    result.name = page.file + " at " + page.width + (page.scripts ? "" : " without scripts");
    results.push(result);
    frame.remove();
  }
  var out = document.createElement("pre");
  out.id = "results";
  out.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(results))));
  document.body.appendChild(out);
}
main();
