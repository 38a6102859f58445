#include "verdict.hpp"

#include "format.hpp"

#include <limits>

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

std::vector<double> ratios(const Results &results, const std::string &job, const char *figure, const char *limit,
                           double share) {
    std::vector<double> all;
    const std::vector<double> *figures = find(results.figures, job, figure);
    if (figures == nullptr) {
        return all;
    }
    const std::vector<double> *limits = find(results.limits, job, limit);
    if (limits == nullptr || limits->size() != figures->size()) {
        fail("no limit " + std::string(limit) + " in every round for " + job);
    }
    for (std::size_t i = 0; i < figures->size(); i++) {
        all.push_back((*figures)[i] / ((*limits)[i] * share));
    }
    return all;
}

std::optional<Verdict> judge(const Row &row, const Results &results) {
    const std::vector<double> *figures = find(results.figures, row.job, row.figure);
    if (figures == nullptr) {
        return std::nullopt;
    }
    Verdict verdict;
    verdict.figures = *figures;
    if (row.limit != nullptr) {
        verdict.ratios = ratios(results, row.job, row.figure, row.limit, row.share);
        for (const double limit : *find(results.limits, row.job, row.limit)) {
            verdict.limits.push_back(limit * row.share);
        }
    }
    if (row.bound != Bound::None) {
        const double got = median(row.bound == Bound::Ratio ? verdict.ratios : verdict.figures);
        const double none = got <= 0 ? 0 : std::numeric_limits<double>::max();
        verdict.of_target = row.target > 0 ? got / row.target : none;
    }
    return verdict;
}

std::string grade(const Verdict &verdict) {
    if (!verdict.of_target) {
        return "-";
    }
    if (*verdict.of_target <= 1) {
        return "met";
    }
    return *verdict.of_target < 1e6 ? "**not met**, " + times(*verdict.of_target) : "**not met**";
}

} // namespace bench
