document.querySelectorAll(".block").forEach(function (block) {
  var pre = block.querySelector("pre"), button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy: " + pre.textContent.slice(0, 80));
  button.addEventListener("click", function () {
    function said(word) {
      button.textContent = word;
      setTimeout(function () { button.textContent = "Copy"; }, 1500);
    }
    function selected() {
      getSelection().selectAllChildren(pre);
      said(document.execCommand("copy") ? "Copied" : "Selected");
    }
    if (navigator.clipboard) navigator.clipboard.writeText(pre.textContent).then(function () { said("Copied"); }, selected);
    else selected();
  });
  block.appendChild(button);
  block.classList.add("can-copy");
});
