import Foundation
import XCTest

@testable import GestureCore

/// A folder of golden vectors that an environment variable names.
struct GoldenFolder {
    let url: URL
    let manifest: GoldenManifest

    init(_ variable: String = "STH_GOLDEN") throws {
        guard let path = ProcessInfo.processInfo.environment[variable] else {
            throw XCTSkip("\(variable) names no folder; sth golden --model STREAM --out DIR makes one")
        }
        url = URL(fileURLWithPath: path, isDirectory: true)
        manifest = try JSONDecoder().decode(GoldenManifest.self, from: Data(contentsOf: url / "manifest.json"))
    }

    func contract() throws -> Contract {
        try Contract.read(data(manifest.contract), name: manifest.contract)
    }

    func thresholds() throws -> Thresholds {
        try Thresholds.read(data(manifest.thresholds), name: manifest.thresholds)
    }

    func data(_ name: String) throws -> Data {
        try Data(contentsOf: url / name)
    }

    func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try data(name))
    }

    /// Little-endian elements of any fixed size.
    func values<Element>(_ name: String, as type: Element.Type) throws -> [Element] {
        try data(name).withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: type)
            }
        }
    }

    /// The elements in the type that a contract gives them.
    func elements(_ name: String, _ type: ElementType) throws -> TensorElements {
        type == .int8 ? .int8(try values(name, as: Int8.self)) : .float32(try values(name, as: Float.self))
    }

    /// sha256 of the artefact that the vectors were made of.
    func artefact() throws -> String {
        try XCTUnwrap(try madeOf()["sha256"] as? String)
    }

    /// The file of the parity ladder: all rows, those that differ too.
    ///
    /// - Throws: `XCTSkip` where STH_GOLDEN_RESULT names no file.
    func write(_ rows: [GoldenRow], side: String) throws {
        guard let path = ProcessInfo.processInfo.environment["STH_GOLDEN_RESULT"] else {
            throw XCTSkip("STH_GOLDEN_RESULT names no file for the parity ladder")
        }
        let content: [String: Any] = [
            "kind": "golden", "side": side, "made_of": try madeOf(), "rows": rows.map(\.json),
        ]
        let data = try JSONSerialization.data(withJSONObject: content, options: [.prettyPrinted, .sortedKeys])
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    private func madeOf() throws -> [String: Any] {
        let whole = try JSONSerialization.jsonObject(with: data("manifest.json")) as? [String: Any]
        return try XCTUnwrap(whole?["made_of"] as? [String: Any])
    }
}

private func / (folder: URL, name: String) -> URL {
    folder.appendingPathComponent(name)
}

func doubleOf(bits: String) throws -> Double {
    Double(bitPattern: try XCTUnwrap(UInt64(bits, radix: 16)))
}
