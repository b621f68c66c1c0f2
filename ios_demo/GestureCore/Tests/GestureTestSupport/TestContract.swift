import Foundation

import GestureCore

/// Contracts of a small stream with one state.
enum TestContract {
    static let labels = ["Left", "Right", "Stop", "No gesture"]

    static func json(
        size: Int = 32, quantized: Bool = true, mode: String = "stream", stateful: Bool = false, version: Int = 2,
        rate: Double = 4
    ) -> String {
        let shape = quantized ? "[1, \(size), \(size), 3]" : "[1, 3, \(size), \(size)]"
        let point = #"{"dtype": "int8", "scale": 0.0078125, "zero_point": 0}"#
        let (type, scale) = quantized ? ("int8", point) : ("float32", "null")
        let state = """
            {"input": "state_1", "output": "state_1_next", "shape": [1, 2], "layout": "NT", "dtype": "\(type)",
             "reset": -7.0, "quantization": \(scale)}
            """
        return """
            {"version": \(version), "runtime": "coreml", "precision": "int8", "network": "sth_mobilenet_v2",
             "options": {"p": 0.25, "causal": true}, "mode": "\(mode)",
             "preprocess": {"segments": 8, "size": \(size), "colour_order": "RGB", "value_range": [0, 255],
               "mean": [0.5019607843137255, 0.5019607843137255, 0.5019607843137255],
               "std": [0.5019607843137255, 0.5019607843137255, 0.5019607843137255],
               "normalisation": "", "crop_fraction": 0.875, "resize_rule": "", "sampling": ""},
             "input": {"name": "frames", "shape": \(shape), "layout": "\(quantized ? "THWC" : "TCHW")",
               "dtype": "\(type)", "quantization": \(scale)},
             "output": {"name": "logits", "shape": [1, 4], "layout": "TK", "dtype": "\(type)",
               "quantization": \(quantized ? #"{"dtype": "int8", "scale": 0.125, "zero_point": 3}"# : "null")},
             "labels": ["Left", "Right", "Stop", "No gesture"],
             "states": [\(stateful ? "" : state)], "frames_per_second": \(rate), "stateful": \(stateful)}
            """
    }

    static func read(quantized: Bool = true, stateful: Bool = false) throws -> Contract {
        try Contract.read(Data(json(quantized: quantized, stateful: stateful).utf8), name: "test.contract.json")
    }

    static func thresholds(_ changes: [String: String] = [:]) -> String {
        var fields = [
            "version": "1", "temperature": "1.0", "tau_ms": "0", "on": "0.6", "off": "0.4", "hold_ms": "250",
            "release_ms": "0", "refractory_ms": "0", "repeat_ms": "0", "gap_ms": "1000",
            "background": #"["No gesture"]"#, "frames_per_second": "[3.2, 5.0]", "fitted": "null",
        ]
        fields.merge(changes) { $1 }
        return "{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    static func readThresholds(_ changes: [String: String] = [:]) throws -> Thresholds {
        try Thresholds.read(Data(thresholds(changes).utf8), name: "test.events.json")
    }
}
