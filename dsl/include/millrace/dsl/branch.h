// Branch: a predicate of split() with a name for describe().
//
//   const auto [posted, other] = events.split(Branch{"posted", is_posted});
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "millrace/dsl/detail/checks.h"
#include "millrace/dsl/options.h"

namespace millrace {

template <class F>
struct Branch {
  OperatorName name;
  F predicate;
};
template <class F>
Branch(OperatorName, F) -> Branch<F>;

namespace detail {

struct NoBranch {};  // fills up split()'s arguments

template <class... Fs>
inline constexpr std::size_t count_branches = (std::size_t{!std::is_same_v<Fs, NoBranch>} + ...);

template <class F>
struct BranchParts {
  using Predicate = F;
  static OperatorName name(const F&) { return {}; }
  static F&& predicate(F&& f) { return std::move(f); }
};
template <class F>
struct BranchParts<Branch<F>> {
  using Predicate = F;
  static OperatorName name(const Branch<F>& branch) { return branch.name; }
  static F&& predicate(Branch<F>&& branch) { return std::move(branch.predicate); }
};

template <class F>
using predicate_t = typename BranchParts<F>::Predicate;

// Of split(): the first mistake in any of its predicates.
template <class K, class V, class... Fs>
constexpr Mistake mistake_in_branches() {
  Mistake mistake = Mistake::kNone;
  ((mistake = first_of(mistake, std::is_same_v<Fs, NoBranch>
                                    ? Mistake::kNone
                                    : mistake_in_predicate<predicate_t<Fs>, K, V>())),
   ...);
  return mistake;
}

}  // namespace detail
}  // namespace millrace
