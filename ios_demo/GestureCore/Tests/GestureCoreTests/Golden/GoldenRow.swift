import Foundation

@testable import GestureCore

/// How two arrays that should be the same differ.
struct GoldenRow: Equatable {
    let name: String
    let values: Int
    let differing: Int
    let largest: Double

    /// Of another length, every value differs; of the same, those that are further apart than `limit`.
    init(_ name: String, _ found: [Double], _ wanted: [Double], within limit: Double = 0) {
        let pairs = found.count == wanted.count ? Array(zip(found, wanted)) : []
        let differences = pairs.map { abs($0 - $1) }
        self.name = name
        values = wanted.count
        differing = pairs.isEmpty ? wanted.count : differences.filter { !($0 <= limit) }.count
        largest = pairs.isEmpty && !wanted.isEmpty ? .infinity : differences.max() ?? 0
    }

    private init(name: String, values: Int, differing: Int, largest: Double) {
        (self.name, self.values, self.differing, self.largest) = (name, values, differing, largest)
    }

    func named(_ name: String) -> GoldenRow {
        GoldenRow(name: name, values: values, differing: differing, largest: largest)
    }

    var json: [String: Any] {
        ["name": name, "values": values, "differing": differing, "largest": largest.isFinite ? largest : -1]
    }
}

extension TensorElements {
    var doubles: [Double] {
        switch self {
        case .int8(let values): return values.map(Double.init)
        case .float32(let values): return values.map(Double.init)
        }
    }
}
