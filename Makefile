# 耕保：两条命令办完事 —— make all（全部成果）、make test（测试）。其余只是 gengbao 命令的薄壳。
# 把调查成果放进 data/raw/exports/年-月-日/，再运行 make all；COUNTY= 与 OUT= 可指向别处。
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help all setup sample ingest classify ledger aggregate maps report explain trace progress reconcile ledger-import compare quality doctor province bench-province docs baselines check lint types imports test fuzz bench quality-truth clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUN := $(BIN)/python -m pipeline
WHERE := $(if $(COUNTY),--county '$(COUNTY)') $(if $(OUT),--out '$(OUT)')

help:           ## 列出全部目标
	@grep -E '^[a-z% -]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/	/' | expand -t 12

setup: $(READY) ## 建立 .venv（按 requirements.lock，逐个核对哈希）
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo '需要 Python 3.11 或更新版本：请安装后重试，或用 make PYTHON=/路径/python3.11'; exit 3; }
	@echo '建立 .venv，按 requirements.lock 安装依赖（首次一两分钟）……'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

all: $(READY)   ## 从调查成果到分类、台账、缺口、地图与报表（没有县级数据时先造示例县）
	@$(RUN) all $(WHERE)

sample: $(READY) ## 造示例县（不动别人建的 county.toml）
	@$(RUN) sample $(if $(COUNTY),--county '$(COUNTY)') $(ARGS)

ingest classify ledger aggregate maps report: $(READY) ## 只做到某一步（ingest 入库、classify 分类、ledger 台账、aggregate 汇总、maps 制图、report 报表）
	@$(RUN) $@ $(WHERE)

map-%: $(READY)  ## 只画一种图：make map-wall（名称见 gengbao maps --list）
	@$(RUN) maps $(WHERE) $*

report-%: $(READY) ## 只做一种报表：make report-task_list（名称见 gengbao report --list）
	@$(RUN) report $(WHERE) $*

explain: $(READY) ## 问一个图斑为什么是这一类：make explain BSM=标识码
	@$(RUN) explain $(WHERE) '$(BSM)'

trace: $(READY) ## 问一个数背后是哪些图斑：make trace WHAT='小岭镇 cropland'（ARGS= 加 --all、--measure、--csv 等）
	@$(RUN) trace $(WHERE) '$(WHAT)' $(ARGS)

ledger-import: $(READY) ## 先看交回的台账能收什么（不写任何文件）：make ledger-import FILE=还没放进 returned/ 的台账
	@$(RUN) ledger-import $(WHERE) $(if $(FILE),'$(FILE)')

compare: $(READY) ## 对比两期：make compare A=2023-09-30 B=2023-10-31（日期，或图斑文件、文件夹）；或清单：make compare LIST=文件
	@$(RUN) compare $(WHERE) $(if $(LIST),--list '$(LIST)' $(ARGS),'$(A)' '$(B)')

reconcile: $(READY) ## 打印公布数的核对：自己对不对、与图斑加出来的数对不对（ARGS=--all 相等的也列）
	@$(RUN) reconcile $(WHERE) $(ARGS)

progress: $(READY) ## 打印排名、倒排工期与期限预测：make progress EXPORT=年-月-日（默认最新一期）
	@$(RUN) progress $(WHERE) $(if $(EXPORT),--export '$(EXPORT)')

quality: $(READY) ## 质量检查：make quality EXPORT=年-月-日（默认最新一期）或 FILE=任何面图层；AGAINST=对照期 BASELINE=基线.csv ARGS=--zones
	@$(RUN) quality $(WHERE) $(if $(FILE),'$(FILE)') $(if $(EXPORT),--export '$(EXPORT)') $(if $(AGAINST),--against '$(AGAINST)') $(if $(BASELINE),--baseline '$(BASELINE)') $(ARGS)

doctor: $(READY) ## 收之前先看看文件能不能入库：make doctor FILE=文件或文件夹
	@$(RUN) doctor $(if $(COUNTY),--county '$(COUNTY)') '$(FILE)'

baselines: $(READY) ## 重画 docs/images/maps 里的小图（图件有意改动之后；先看过再提交）
	RENEW=1 $(BIN)/python -m pytest tests/test_render_golden.py

province: $(READY) ## 一省各县一起做：make province COUNTIES=放各县文件夹的文件夹 OUT=成果 WORKERS=2 NAME=省名（ARGS='--scheduler 地址' 等）
	@$(RUN) province '$(COUNTIES)' --out '$(OUT)' $(if $(WORKERS),--workers $(WORKERS)) $(if $(NAME),--name '$(NAME)') $(ARGS)

bench-province: $(READY) ## 一省的跑分：两个工作进程快几倍、每百万图斑多少、内存；写入 docs/scale.md（ARGS='--scales small medium county'）
	PYTHONPATH=. $(BIN)/python benchmarks/province.py $(ARGS)

docs: $(READY)  ## 重新生成 docs/ 里由表格生成的文档
	@$(RUN) docs

check: lint types imports test ## 代码规范、类型、导入方向、文档一致、测试（CI 同此）

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

test: $(READY)  ## 跑测试（两个进程，一个文件的测试在同一个进程里；只跑一部分：ARGS='tests/test_x.py'）
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: $(READY)  ## 逐字节毁坏数据 5000 次，看入库会不会悄悄丢东西（每夜跑；TIMES= SEED=）
	PYTHONPATH=.:tests $(BIN)/python tests/fuzz.py $(or $(TIMES),5000) $(SEED)

bench: $(VENV)/.bench ## 性能对比（比值，不设时限）：10⁴ 图斑，几分钟；全部规模 make bench ARGS=--full（中断了加 --resume 接着做）
	PYTHONPATH=. $(BIN)/python benchmarks/core_job.py $(ARGS)
	PYTHONPATH=. $(BIN)/python benchmarks/compare_exports.py $(if $(findstring --full,$(ARGS)),250000,10000)

$(VENV)/.bench: $(READY) benchmarks/requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r benchmarks/requirements.lock || echo '对手装不上：没装的会列出名字并跳过'
	@touch $@

quality-truth: $(READY) ## 埋错的示例县三个种子，各规则的召回率和准确率写进 docs/quality.md（约十分钟；ARGS='每种个数 每种查几个文件 种子…'）
	PYTHONPATH=. $(BIN)/python benchmarks/quality_truth.py $(ARGS)

clean:          ## 删去成果（data/raw 不动）
	rm -rf .gengbao data/processed maps/*.png maps/*.pdf maps/*.html maps/thumbs maps/20*
