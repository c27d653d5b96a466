"""Search: an index of cards for the dialog, and Chinese for Sphinx's own search page."""

import json
import re
from pathlib import Path

from sphinx.search import SearchLanguage

from . import records
from .site import first_sentence

# Words that mean the same to a reader who searches. Chinese and English stand together, so that
# either finds a card in either language.
SYNONYMS = [
    ["tensor", "张量"],
    ["shape", "形状", "size"],
    ["dimension", "dim", "axis", "维度", "维"],
    ["join", "cat", "拼接", "连接", "合并"],
    ["stack", "堆叠", "叠放"],
    ["split", "chunk", "拆分", "切分", "分割"],
    ["index", "indexing", "索引", "下标"],
    ["slice", "slicing", "切片"],
    ["broadcast", "广播"],
    ["error", "exception", "错误", "报错", "异常"],
    ["reshape", "变形", "改变形状"],
    ["transpose", "permute", "转置", "换轴"],
    ["squeeze", "压缩"],
    ["unsqueeze", "增加维度", "升维"],
    ["gather", "收集", "按索引取"],
    ["scatter", "散布", "写回"],
    ["mask", "masked", "掩码", "遮罩"],
    ["dtype", "type", "类型", "数据类型"],
    ["convert", "cast", "转换"],
    ["copy", "clone", "复制", "拷贝"],
    ["view", "视图"],
    ["memory", "内存", "显存"],
    ["stride", "strides", "步幅", "步长"],
    ["contiguous", "连续"],
    ["random", "rand", "随机"],
    ["image", "picture", "photo", "图像", "图片", "照片"],
    ["array", "ndarray", "数组"],
    ["seed", "种子"],
    ["device", "cuda", "gpu", "设备"],
    ["gradient", "grad", "梯度"],
    ["sort", "排序"],
    ["sum", "求和"],
    ["mean", "average", "平均", "均值"],
    ["max", "maximum", "最大"],
    ["min", "minimum", "最小"],
    ["compare", "equal", "比较", "相等"],
    ["create", "creating", "创建", "新建"],
    ["zeros", "零"],
    ["multiply", "matmul", "乘法", "相乘"],
    ["repeat", "tile", "重复"],
    ["expand", "扩展"],
    ["flatten", "展平", "拉平"],
    ["save", "保存"],
    ["load", "加载", "读取"],
    ["train", "training", "训练"],
    ["model", "模型"],
    ["loss", "损失"],
    ["regression", "回归"],
    ["inplace", "就地", "原地"],
    ["backward", "backprop", "反向传播"],
    ["derivative", "differentiate", "求导", "导数"],
    ["freeze", "frozen", "冻结"],
    ["clip", "clipping", "裁剪"],
    ["scheduler", "schedule", "学习率", "调度器"],
    ["optimizer", "优化器"],
    ["momentum", "动量"],
    ["decay", "衰减"],
    ["convolution", "conv", "卷积"],
    ["pooling", "pool", "池化"],
    ["normalization", "normalize", "归一化"],
    ["norm", "范数"],
    ["dropout", "随机失活", "丢弃"],
    ["embedding", "嵌入", "词向量"],
    ["attention", "注意力"],
    ["recurrent", "rnn", "循环", "循环神经网络"],
    ["activation", "激活", "激活函数"],
    ["initialization", "init", "初始化"],
    ["entropy", "交叉熵", "熵"],
    ["classification", "classifier", "分类"],
    ["imbalance", "imbalanced", "不平衡", "不均衡"],
    ["augmentation", "augment", "增强"],
    ["dataset", "数据集"],
    ["loader", "dataloader", "加载器"],
    ["worker", "workers", "工作进程", "多进程"],
    ["sampler", "采样器"],
    ["shuffle", "打乱"],
    ["inverse", "求逆", "逆矩阵"],
    ["determinant", "det", "行列式"],
    ["eigenvalue", "eig", "特征值"],
    ["round", "rounding", "取整", "四舍五入"],
    ["parameter", "parameters", "参数"],
    ["warmup", "预热"],
    ["overflow", "溢出"],
    ["weight", "权重"],
    ["crop", "裁切", "裁剪图像"],
    ["flip", "翻转"],
    ["quantile", "percentile", "分位数"],
    ["sample", "抽样"],
    ["accumulation", "accumulate", "累积"],
    ["mixed", "混合"],
    ["precision", "精度"],
    ["resume", "续训", "断点续训"],
    ["checkpoint", "检查点"],
    ["reproducibility", "reproducible", "可复现"],
    ["overfitting", "overfit", "过拟合"],
    ["underfitting", "underfit", "欠拟合"],
    ["slow", "慢", "速度慢", "太慢", "变慢", "很慢"],
    ["transfer", "迁移"],
    ["distillation", "distil", "蒸馏"],
    ["pruning", "prune", "剪枝"],
    ["quantization", "quantize", "量化"],
    ["compile", "compiling", "编译"],
    ["detection", "detector", "检测"],
    ["object", "目标"],
    ["confusion", "混淆"],
    ["matrix", "矩阵"],
    ["hook", "钩子"],
    ["logging", "log", "日志"],
    ["seq2seq", "sequence"],
    ["exercise", "exercises", "练习"],
    ["insufficient", "不足", "不够"],
    ["gan", "生成对抗网络", "对抗网络"],
    ["detach", "停止梯度", "截断梯度", "分离"],
    ["大小", "尺寸"],
    ["own", "custom", "自定义"],
    ["tolist", "list", "列表"],
    ["resnet", "残差网络"],
    ["cnn", "卷积神经网络"],
    ["finetune", "finetuning", "微调"],
    ["batchnorm", "bn", "批归一化"],
]
ERROR = re.compile(r"#\s+([A-Za-z_.]*(?:Error|Warning|Exception): .+)")


def entries(app):
    """One entry per card and per example; those of pages and of an example's steps weigh less."""
    env, found = app.env, []
    for docname in sorted(env.found_docs):
        url = app.builder.get_target_uri(docname)
        page = env.titles[docname].astext()
        module = records.module(docname)
        example = bool(module and module.example)
        cards = env.proofsheet_cards.get(docname, ())
        for card in cards:
            found.append(
                {
                    "kind": "step" if example else "card",
                    "url": f"{url}#{card['anchor']}",
                    "title": card["title"],
                    "name": sorted(card["in_title"]),
                    "apis": sorted(set(card["apis"]) - set(card["in_title"])),
                    "errors": " ".join(ERROR.findall(card["code"])),
                    "module": page,
                    "text": " ".join(card["text"].split()),
                }
            )
        summary = env.proofsheet_summaries.get(docname, "")
        text = first_sentence(summary, 300)
        entry = {"kind": "page", "url": url, "title": page, "text": text}
        if example:
            steps = " ".join(card["title"] for card in cards)
            entry |= {"kind": "example", "text": f"{summary} {steps}"}
        found.append(entry)
    return found


def write_index(app, exception):
    """Write ``_static/cards.js``: a script, not JSON, since pages opened as files cannot fetch."""
    if exception or app.builder.name != "html":
        return
    index = {"entries": entries(app), "synonyms": SYNONYMS}
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir, "_static", "cards.js")
    path.write_text(f"window.proofsheetCards={text};\n", encoding="utf-8")


class ChineseBigrams(SearchLanguage):
    """Pairs of Chinese characters as words.

    Sphinx 9.0's own Chinese search calls a stemmer that it does not ship, and without spaces a
    dictionary finds no words that readers type. The index holds every pair; a query, all of
    whose words must be found, is cut into pairs side by side, since most words have two
    characters.
    """

    lang = "zh"
    language_name = "Chinese"
    runs = re.compile(r"[\u3400-\u9fff]+|[A-Za-z0-9_]+")
    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[\u3400-\u9fff]+|[A-Za-z0-9_]+/g) || []).flatMap((run) => {
    if (run.charCodeAt(0) < 0x3400 || run.length < 2) return [run];
    return [...(run.match(/../g)), ...(run.length % 2 ? [run.slice(-2)] : [])];
  });
"""

    def split(self, text):
        found = []
        for run in self.runs.findall(text):
            if ord(run[0]) < 0x3400 or len(run) < 2:
                found.append(run)
            else:
                found += [run[i : i + 2] for i in range(len(run) - 1)]
        return found

    def stem(self, word):
        return word.lower()

    def word_filter(self, word):
        return bool(word) and not word.isdigit()


def setup(app):
    """Register the search language and the index of cards."""
    app.add_search_language(ChineseBigrams)
    app.connect("build-finished", write_index)
