#include "verdict.hpp"

namespace bench {

const std::vector<double> *find(const std::map<std::string, FiguresByName> &all, const std::string &job,
                                const std::string &figure) {
    const auto figures = all.find(job);
    if (figures == all.end()) {
        return nullptr;
    }
    const auto found = figures->second.find(figure);
    return found == figures->second.end() ? nullptr : &found->second;
}

std::optional<Verdict> judge(const Row &row, const Results &results) {
    const std::vector<double> *figures = find(results.figures, row.job, row.figure);
    if (figures == nullptr) {
        return std::nullopt;
    }
    const std::vector<double> *limits = find(results.limits, row.job, row.limit);
    if (limits == nullptr || limits->size() != figures->size()) {
        fail(std::string("no limit in every round for ") + row.title);
    }
    Verdict verdict;
    verdict.figures = *figures;
    for (std::size_t i = 0; i < figures->size(); i++) {
        verdict.limits.push_back((*limits)[i] * row.share);
        verdict.ratios.push_back((*figures)[i] / verdict.limits.back());
    }
    if (row.bound != Bound::None) {
        verdict.of_target = median(row.bound == Bound::Ratio ? verdict.ratios : verdict.figures) / row.target;
    }
    return verdict;
}

std::string grade(const Verdict &verdict) {
    if (!verdict.of_target) {
        return "-";
    }
    return *verdict.of_target <= 1 ? "1x" : *verdict.of_target <= 2 ? "2x" : "beyond";
}

} // namespace bench
