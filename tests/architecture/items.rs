//! What a file declares: its items, uses, modules and tests, with their places.

use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::source::{Declared, Place, Public, Use};

/// Gathers them.
#[derive(Default)]
pub struct Seen {
    pub tests: Vec<Range<Place>>,
    pub in_uses: Vec<Range<Place>>,
    pub uses: Vec<Use>,
    pub modules: Vec<Declared>,
    pub items: Vec<(Vec<String>, String)>,
    pub public: Vec<Public>,
    pub impls: Vec<(String, Range<Place>)>,
    within: Vec<String>,
    /// Within a function: what is declared there is nobody else's.
    deep: bool,
    /// Within an implementation of a trait, whose items are the trait's.
    of_trait: bool,
}

impl Seen {
    /// Notes an item, and says whether to look into it.
    fn item(&mut self, attributes: &[syn::Attribute], item: &impl Spanned) -> bool {
        let test = is_test(attributes);
        if test {
            self.tests.push(range(item));
        }
        !test
    }

    fn named(&mut self, visibility: &syn::Visibility, name: &syn::Ident, item: &impl Spanned) {
        if self.deep {
            return;
        }
        let name = name.to_string();
        self.items.push((self.within.clone(), name.clone()));
        self.public(visibility, name, item);
    }

    fn public(&mut self, visibility: &syn::Visibility, name: String, item: &impl Spanned) {
        if matches!(visibility, syn::Visibility::Public(_)) {
            self.public.push(Public { name, span: range(item) });
        }
    }

    fn leaves(&mut self, tree: &syn::UseTree, before: &mut Vec<String>, public: bool) {
        let mut leaf = |path: Vec<String>, name: Option<String>| {
            let at = place(tree.span().start());
            self.uses.push(Use { at, path, name, public });
        };
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.leaves(&path.tree, before, public);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.leaves(tree, before, public);
                }
            }
            syn::UseTree::Glob(_) => leaf([&before[..], &["*".to_owned()]].concat(), None),
            syn::UseTree::Name(name) if name.ident == "self" => leaf(before.clone(), before.last().cloned()),
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                leaf([&before[..], std::slice::from_ref(&name)].concat(), Some(name));
            }
            syn::UseTree::Rename(rename) => {
                let path = match rename.ident.to_string() {
                    own if own == "self" => before.clone(),
                    own => [&before[..], &[own]].concat(),
                };
                leaf(path, Some(rename.rename.to_string()).filter(|name| name != "_"));
            }
        }
    }
}

macro_rules! plain_items {
    ($($method:ident $kind:ident),*) => {
        $(fn $method(&mut self, item: &'ast syn::$kind) {
            if self.item(&item.attrs, item) {
                self.named(&item.vis, &item.ident, item);
                visit::$method(self, item);
            }
        })*
    };
}

macro_rules! parts {
    ($($method:ident $kind:ident),*) => {
        $(fn $method(&mut self, item: &'ast syn::$kind) {
            if self.item(&item.attrs, item) {
                visit::$method(self, item);
            }
        })*
    };
}

impl<'ast> Visit<'ast> for Seen {
    plain_items! {
        visit_item_const ItemConst, visit_item_enum ItemEnum, visit_item_static ItemStatic,
        visit_item_struct ItemStruct, visit_item_type ItemType, visit_item_union ItemUnion
    }
    parts! {
        visit_field Field, visit_variant Variant, visit_arm Arm, visit_local Local,
        visit_trait_item_fn TraitItemFn, visit_item_extern_crate ItemExternCrate
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if self.item(&item.attrs, item) {
            self.named(&item.vis, &item.sig.ident, item);
            let deep = std::mem::replace(&mut self.deep, true);
            visit::visit_item_fn(self, item);
            self.deep = deep;
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if self.item(&item.attrs, item) && !self.deep {
            self.items.push((self.within.clone(), item.ident.to_string()));
            self.public(&item.vis, item.ident.to_string(), item);
            visit::visit_item_trait(self, item);
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if self.item(&item.attrs, item) {
            if let Some(name) = &item.ident {
                self.items.push((self.within.clone(), name.to_string()));
            }
            visit::visit_item_macro(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if self.item(&item.attrs, item) {
            if let syn::Type::Path(path) = &*item.self_ty
                && let Some(last) = path.path.segments.last()
            {
                self.impls.push((last.ident.to_string(), range(item)));
            }
            let before = std::mem::replace(&mut self.of_trait, item.trait_.is_some());
            visit::visit_item_impl(self, item);
            self.of_trait = before;
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if self.item(&item.attrs, item) {
            if !self.of_trait {
                self.public(&item.vis, item.sig.ident.to_string(), item);
            }
            let deep = std::mem::replace(&mut self.deep, true);
            visit::visit_impl_item_fn(self, item);
            self.deep = deep;
        }
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        if self.item(&item.attrs, item) {
            if !self.of_trait {
                self.public(&item.vis, item.ident.to_string(), item);
            }
            visit::visit_impl_item_const(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if self.item(&item.attrs, item) {
            self.in_uses.push(range(item));
            let public = !matches!(item.vis, syn::Visibility::Inherited);
            self.leaves(&item.tree, &mut Vec::new(), public);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test = !self.item(&item.attrs, item);
        let path = item.attrs.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|path| {
            let syn::Meta::NameValue(pair) = &path.meta else { return None };
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(file), .. }) = &pair.value else {
                return None;
            };
            Some(file.value())
        });
        let inside = item.content.is_some().then(|| range(item));
        let (name, within) = (item.ident.to_string(), self.within.clone());
        self.modules.push(Declared { name: name.clone(), path, test, inside, within });
        self.within.push(name);
        if test {
            // Only the files that it declares are of interest: they are for tests as well.
            let mut inner = Self { within: self.within.clone(), ..Self::default() };
            visit::visit_item_mod(&mut inner, item);
            self.modules.extend(inner.modules.into_iter().map(|module| Declared { test: true, ..module }));
        } else {
            visit::visit_item_mod(self, item);
        }
        self.within.pop();
    }
}

/// Whether attributes say that what follows exists in tests alone.
pub fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Meta>().is_ok_and(|condition| needs_test(&condition))
    })
}

fn needs_test(condition: &syn::Meta) -> bool {
    if condition.path().is_ident("test") {
        return true;
    }
    let syn::Meta::List(list) = condition else { return false };
    let parser = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
    let Ok(parts) = list.parse_args_with(parser) else { return false };
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("all") => parts.iter().any(needs_test),
        Some("any") => !parts.is_empty() && parts.iter().all(needs_test),
        _ => false,
    }
}

pub fn place(at: LineColumn) -> Place {
    (at.line, at.column)
}

fn range(item: &impl Spanned) -> Range<Place> {
    let span = item.span();
    place(span.start())..place(span.end())
}
