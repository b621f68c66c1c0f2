import Foundation

@testable import GestureCore

/// How two arrays that should be the same differ.
struct GoldenRow: Equatable {
    let name: String
    let values: Int
    let differing: Int
    let largest: Double

    /// Of another length, every value differs.
    init(_ name: String, _ found: [Double], _ wanted: [Double]) {
        let pairs = found.count == wanted.count ? Array(zip(found, wanted)) : []
        let differences = pairs.map { abs($0 - $1) }
        self.name = name
        values = wanted.count
        differing = pairs.isEmpty ? wanted.count : differences.filter { $0 != 0 }.count
        largest = pairs.isEmpty && !wanted.isEmpty ? .infinity : differences.max() ?? 0
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
